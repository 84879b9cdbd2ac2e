"""The engine on Apache Beam: Dataflow in production, the DirectRunner on a laptop.

Beam is an extra (requirements-beam.txt) and is never in the serving image.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from labeler.datasets.exports.distributed.engines import Step, WorkPlace, attempts
from labeler.datasets.exports.distributed.plan import remove_parts
from labeler.errors import InvalidRequest
from labeler.storage import Store


@dataclass(frozen=True, slots=True)
class BeamEngine:
    """Runs each step as a pipeline. `options` are those of Beam and of its runner."""

    place: WorkPlace
    options: Sequence[str] = ()
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))

    def run(self, step: Step, count: int) -> None:
        """Return when every shard is done. A worker that fails is tried again by the runner."""
        try:
            import apache_beam as beam
            from apache_beam.options.pipeline_options import PipelineOptions
        except ImportError as error:
            raise InvalidRequest(
                "--engine beam needs Apache Beam, which is not installed: "
                "`pip install --requirement requirements-beam.txt` in an environment of its own, "
                "or use the container of deploy/beam.Dockerfile (docs/deploy.md)."
            ) from error
        try:
            made = beam.Pipeline(options=PipelineOptions(with_runner(self.options)))
        except ValueError as error:  # a runner that there is not, or one that lacks an option
            reason = " ".join(str(error).split())
            raise InvalidRequest(f"Beam does not take these options: {reason}") from error
        with made as pipeline:
            shards = pipeline | "Shards" >> beam.Create(range(count))
            _ = shards | beam.Reshuffle() | step.work >> beam.Map(step)

    def follow(self) -> bool:
        """Return False: Beam starts its own workers."""
        return False

    def follow_step(self, step: Step, count: int) -> bool:
        """Return False, as `follow` does."""
        return False

    def end(self, store: Store, *, is_done: bool) -> None:
        """Delete the parts, of a failed run too: the next one has another ID."""
        for attempt in attempts(store, self.run_id):
            remove_parts(store, attempt)


def with_runner(options: Sequence[str]) -> list[str]:
    """Return the options, with the runner that works without a download if they name none."""
    if any(option.split("=")[0] == "--runner" for option in options):
        return list(options)
    return ["--runner=FnApiRunner", *options]
