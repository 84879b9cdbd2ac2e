"""Callbacks of widgets that are carried out to their end.

Streamlit cuts a run short when another one is asked for: at the run's next use of session state or
of the page. Callbacks are no exception, and one that was cut is not called again. A click would be
lost, or the box that came with it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, ParamSpec

from streamlit.runtime.scriptrunner import RerunException, get_script_run_ctx

_MOST: Final = 20

P = ParamSpec("P")


def rerun_safe(callback: Callable[P, None]) -> Callable[P, None]:
    """The callback, which begins anew where a run that is asked for meanwhile cuts it short.

    So it has to be one that can be done twice. The run that was asked for comes after it.
    """

    @functools.wraps(callback)
    def carried_out(*args: P.args, **kwargs: P.kwargs) -> None:
        cuts: list[RerunException] = []
        while len(cuts) < _MOST:
            try:
                callback(*args, **kwargs)
                break
            except RerunException as cut:
                cuts.append(cut)
        if not cuts:
            return
        context = get_script_run_ctx()
        if context is not None and context.script_requests is not None:
            for earlier in cuts[:-1]:
                context.script_requests.request_rerun(earlier.rerun_data)
        raise cuts[-1]

    return carried_out
