"""Screenshots of the pages of the coordination and of the regional desk, which runs without a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.vocabulary import Role
from tests.browser.pages import person
from tests.browser.screenshots import Camera
from tests.exchange.coordination.browser.desks import COUNTED, DESK_PORT, desks, served, tell_of_the_region

OF_THE_HEAD = {"monitoring", "maturity", "law-pair", "actions", "meetings", "onboarding"}


def draw(camera: Camera, pages: Mapping[Role, Sequence[tuple[str, str]]]) -> None:
    tell_of_the_region(camera.world.rs)
    head = camera.sits_down(person(camera.world.rs, Role.HEAD))
    camera.draw(head, [shown for shown in pages[Role.HEAD] if shown[0] in OF_THE_HEAD])
    camera.draw(head, [("incidents", f"/app/incidents/{COUNTED}")])
    for name, app, path in desks(camera.scratch):
        page = camera.sits_down(None, "light")
        with served(app, DESK_PORT) as url:
            page.goto(f"{url}{app.state.base}{path}")
            camera.keep(page, name)
            page.context.close()
