"""Any instance answers any request: several behind a proxy, and some of them end meanwhile."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewLabeller, Serve
from tests.e2e.labeller import documents, eventually
from tests.e2e.pictures import Pictures
from tests.e2e.proxy import Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_labelling_while_instances_come_and_go(
    serve: Serve, new_labeller: NewLabeller, pictures: Pictures
) -> None:
    instances = [serve(LABELER_LABELS="cat"), serve(LABELER_LABELS="cat")]
    folder = instances[0].folder
    files = pictures.series(8)
    with Proxy(seed=1) as proxy:
        proxy.instances = [instance.port for instance in instances]
        labeller = new_labeller(proxy)
        labeller.upload(*files)
        labeller.at(files[0].name)
        for step, file in enumerate(files):
            labeller.at(file.name)
            labeller.drag((40, 40), (140, 120))
            if step in (1, 4):  # one instance is stopped, then another is killed
                ended = instances.pop(0)
                proxy.instances.remove(ended.port)
                ended.stop(kill=step == 4)
                instances.append(serve(LABELER_LABELS="cat"))
                proxy.instances.append(instances[-1].port)
            if step in (2, 6):
                proxy.cut_websockets()
            labeller.drag((200, 40), (300, 120))
            name = file.name
            eventually(lambda name=name: len(documents(folder)[name]["rects"]) == 2, 60)
            if step + 1 < len(files):
                labeller.next_to(files[step + 1].name)
    stored = documents(folder)
    assert {name: len(document["rects"]) for name, document in stored.items()} == {
        file.name: 2 for file in files
    }
    for document in stored.values():
        assert len({(rect["left"], rect["top"]) for rect in document["rects"]}) == 2
