"""Jobs over REST: imports and exports of registrations."""

from typing import Final

from pushgate.inputs.hub.request import HubRequest
from pushgate.inputs.hub.route import Route, no_body, takes_body
from pushgate.model.hub.access import Right
from pushgate.model.hub.job import Job
from pushgate.net.http.responses import HTTPResponse
from pushgate.protocols.notification_hubs.job_xml import entry, feed, read_job
from pushgate.protocols.notification_hubs.registration_xml import ENTRY, FEED


async def create(request: HubRequest, body: bytes) -> HTTPResponse:
    """Begin a job."""
    job: Job = await request.hub.submit_job(read_job(body))
    location = (b"location", request.location("jobs", job.id))
    return HTTPResponse(201, entry(job, request.address("jobs", job.id)), ENTRY, (location,))


async def read(request: HubRequest) -> HTTPResponse:
    """One job."""
    job: Job = await request.hub.job(request.parameters["id"])
    return HTTPResponse(200, entry(job, request.address("jobs", job.id)), ENTRY)


async def read_all(request: HubRequest) -> HTTPResponse:
    """All jobs of the last days."""
    jobs: list[Job] = await request.hub.jobs()
    return HTTPResponse(200, feed(jobs, request.address("jobs"), request.server.wall()), FEED)


ROUTES: Final = (
    Route("POST", "jobs", Right.MANAGE, takes_body(create)),
    Route("GET", "jobs", Right.MANAGE, no_body(read_all)),
    Route("GET", "jobs/{id}", Right.MANAGE, no_body(read)),
)
