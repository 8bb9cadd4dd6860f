"""The door at which chats fetch the picture of a report: the address itself says what is drawn."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_crm.cards.picture import draw
from ai_crm.hub.routes import Open, route
from ai_crm.store.pictures import PATH, Pictures

# What an address shows never changes. A chat's own servers are the cache that this is for.
_HEADERS = {"Cache-Control": "public, max-age=86400, immutable"}


def picture_routes(pictures: Pictures) -> tuple[Route, ...]:
    """The door. Whatever is not a genuine address of ours is not there: 404, and it counts as a refusal."""

    async def picture(request: Request) -> Response:
        figures = pictures.figures(request.path_params["token"])
        if figures is None:
            raise HTTPException(404)
        return Response(draw(figures), headers=_HEADERS, media_type="image/png")

    return (route(PATH, picture, ("GET",), Open("the figures are sealed in the address", refusal=404)),)
