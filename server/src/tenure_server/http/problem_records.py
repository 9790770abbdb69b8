"""``/v1/problems``: problem records, from the report to the release. Read and written with the scope support."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tenure_server.domain import problems as domain
from tenure_server.domain.api_tokens import ApiToken, Scope
from tenure_server.domain.problems import FixKind, NoticeState, ProblemStatus
from tenure_server.errors import InvalidRequest
from tenure_server.http.authentication import TokenAuthentication
from tenure_server.http.bodies import BodyModel, read_body
from tenure_server.http.cursors import DEFAULT_PAGE, Cursor, Limit, cursor_of
from tenure_server.http.customers import MAX_ID_CHARACTERS, answered
from tenure_server.http.endpoint import Access, Endpoint, Operation
from tenure_server.http.idempotency import IdempotencyKey, once_of
from tenure_server.http.publishing import Product
from tenure_server.http.reading import IN_PATH, RequestModel, read
from tenure_server.http.refusals import CHANGE_REFUSALS, ONCE_REFUSALS, ONE_REFUSALS, TOKEN_REFUSALS
from tenure_server.http.wire import Answer
from tenure_server.use_cases.ports_problems import ProblemFilter
from tenure_server.use_cases.problem_reporters import Report
from tenure_server.use_cases.problems import (
    AddReporter,
    ChangeProblem,
    ListProblems,
    NewProblem,
    ProblemChanges,
    ReportProblem,
    ShownProblem,
    TakenByHand,
    TakeStep,
)
from tenure_signing.names import ProductName, parse_product
from tenure_signing.problem_numbers import parse_problem_number
from tenure_signing.versions import MAX_VERSION_CHARACTERS, parse_version


def _parse_statuses(text: object) -> tuple[ProblemStatus, ...]:
    if text == "all":
        return ()
    words = str(text).split(",")
    if not all(word in tuple(ProblemStatus) for word in words):
        raise ValueError(f"is all, or some of {', '.join(ProblemStatus)} with commas")
    return tuple(ProblemStatus(word) for word in words)


def _parse_product(text: object) -> ProductName:
    return parse_product(str(text))


def _version(text: str) -> str:
    return str(parse_version(text))


def _number(text: str) -> str:
    return parse_problem_number(text)


Said = Annotated[
    str, Field(max_length=MAX_ID_CHARACTERS, description="its number, such as P-17, or id", json_schema_extra=IN_PATH)
]
Line = Annotated[str, Field(max_length=500)]
Words = Annotated[str, Field(max_length=domain.MAX_TEXT_CHARACTERS, description="plain text, for your own people")]
Title = Annotated[str, Field(max_length=domain.MAX_TITLE_CHARACTERS, description="one line; customers read it")]
VersionText = Annotated[str, Field(max_length=MAX_VERSION_CHARACTERS), AfterValidator(_version)]


class ProblemSearch(RequestModel):
    search: str = Field(default="", description="words of the number or title")
    status: Annotated[
        tuple[ProblemStatus, ...], PlainValidator(_parse_statuses), WithJsonSchema({"type": "string"})
    ] = Field(default=(), description=f"all, or some of {', '.join(ProblemStatus)} with commas; default: all")
    product: Annotated[ProductName | None, PlainValidator(_parse_product), WithJsonSchema({"type": "string"})] = Field(
        default=None, description="only of this product"
    )
    customer_id: Annotated[str | None, WithJsonSchema({"type": "string"})] = Field(
        default=None, description="only what this customer reported"
    )
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = None


class OneProblem(RequestModel):
    problem: Said


class WriteProblem(RequestModel):
    idempotency_key: IdempotencyKey = None


class WriteToProblem(OneProblem):
    idempotency_key: IdempotencyKey = None


class ReportBody(BodyModel):
    """Who reported it: a support request, or a licence."""

    request: Line | None = Field(default=None, description="a bug report's number or id; its contact is told")
    licence_id: Line | None = Field(default=None, description="without a support request")
    contact_id: Line | None = Field(default=None, description="of the customer's contacts, who is told")
    exception: Line | None = Field(
        default=None, description="why it is taken although it was not opened in a support period"
    )

    def report(self) -> Report:
        return Report(self.request, self.licence_id, self.contact_id, self.exception)


class NewProblemBody(BodyModel):
    title: Title
    description: Words = ""
    product: Product | None = Field(default=None, description="default: the report's")
    found_in: VersionText | None = None
    report: ReportBody | None = Field(default=None, description="null: you found it yourself")


class ProblemChangesBody(BodyModel):
    """Members that are left out, or null, stay as they are."""

    title: Title | None = None
    description: Words | None = None
    found_in: VersionText | None = None


class StepName(StrEnum):
    REPRODUCED = "reproduced"
    WORK_AROUND_GIVEN = "work_around_given"
    FIX_PLANNED = "fix_planned"
    NOT_REPRODUCIBLE = "not_reproducible"
    DECLINED = "declined"
    DUPLICATE = "duplicate"
    REOPENED = "reopened"


class StepBody(BodyModel):
    """``released`` is no step of its own: publishing a release that names the problem takes it."""

    step: StepName
    material: bool | None = Field(default=None, description="with reproduced")
    work_around: Words | None = Field(default=None, description="with work_around_given")
    kind: FixKind | None = Field(default=None, description="with fix_planned")
    version: VersionText | None = Field(default=None, description="with fix_planned, where it is known")
    duplicate_of: Annotated[str, Field(max_length=20), AfterValidator(_number)] | None = Field(
        default=None, description="with duplicate"
    )
    reason: Line | None = Field(default=None, description="with not_reproducible, declined, duplicate and reopened")

    def taken(self) -> TakenByHand:
        """Raises ``InvalidRequest`` (``step_unclear``) where what goes with the step is missing."""
        reason = self.reason or ""
        match self.step:
            case StepName.REPRODUCED if self.material is not None:
                return domain.Reproduced(self.material)
            case StepName.WORK_AROUND_GIVEN if self.work_around is not None:
                return domain.WorkAroundGiven(self.work_around)
            case StepName.FIX_PLANNED if self.kind is not None:
                version = parse_version(self.version) if self.version is not None else None
                return domain.FixPlanned(domain.Plan(self.kind, version))
            case StepName.NOT_REPRODUCIBLE:
                return domain.NotReproducible(reason)
            case StepName.DECLINED:
                return domain.Declined(reason)
            case StepName.DUPLICATE if self.duplicate_of is not None:
                return domain.FoundDuplicate(parse_problem_number(self.duplicate_of), reason)
            case StepName.REOPENED:
                return domain.Reopened(reason)
            case _:
                raise InvalidRequest(f"What goes with the step {self.step} is missing.", code="step_unclear")


class PlannedFix(Answer):
    kind: FixKind
    version: str | None


class ReleasedFix(Answer):
    version: str
    released_on: date


class ProblemAnswer(Answer):
    id: str
    number: str
    product: str
    title: str
    description: str
    found_in: str | None
    status: ProblemStatus
    material: bool | None = Field(description="null: nobody has reproduced it")
    work_around: str | None
    plan: PlannedFix | None
    fix: ReleasedFix | None
    reason: str | None = Field(description="why it is over without a release")
    duplicate_of: str | None
    reported_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, problem: domain.Problem) -> Self:
        plan, fix, ending = problem.plan, problem.fix, problem.ending
        version = str(plan.version) if plan is not None and plan.version is not None else None
        return cls(
            id=problem.problem_id,
            number=problem.number,
            product=problem.product,
            title=problem.title,
            description=problem.description,
            found_in=str(problem.found_in) if problem.found_in is not None else None,
            status=problem.status,
            material=problem.material,
            work_around=problem.work_around,
            plan=PlannedFix(kind=plan.kind, version=version) if plan is not None else None,
            fix=ReleasedFix(version=str(fix.version), released_on=fix.released_on) if fix is not None else None,
            reason=ending.reason if ending is not None else None,
            duplicate_of=ending.duplicate_of if ending is not None else None,
            reported_at=problem.reported_at,
            changed_at=problem.changed_at,
        )


class ToldOf(Answer):
    version: str
    due_on: date
    state: NoticeState
    reason: str | None = Field(description="why nobody was told")


class ReporterAnswer(Answer):
    id: str
    customer_id: str | None
    licence_id: str | None
    request_id: str | None
    reported_on: date
    exception: str | None = Field(description="why it was taken although it was not opened in a support period")
    told: list[ToldOf]


class ProblemDetails(Answer):
    problem: ProblemAnswer
    reporters: list[ReporterAnswer]

    @classmethod
    def of(cls, shown: ShownProblem) -> Self:
        return cls(
            problem=ProblemAnswer.of(shown.problem),
            reporters=[
                ReporterAnswer(
                    id=each.reporter_id,
                    customer_id=each.customer_id,
                    licence_id=each.licence_id,
                    request_id=each.request_id,
                    reported_on=each.reported_on,
                    exception=each.exception,
                    told=[
                        ToldOf(version=str(one.version), due_on=one.due_on, state=one.state, reason=one.drop_reason)
                        for one in shown.notices
                        if one.reporter_id == each.reporter_id
                    ],
                )
                for each in shown.reporters
            ],
        )


class ProblemPage(Answer):
    problems: list[ProblemAnswer]
    next_cursor: str | None = Field(description="pass it as `cursor` for the next page; null on the last one")


LIST = Operation(
    summary="Problem records, newest first", request=ProblemSearch, answer=ProblemPage, access=Access.TOKEN,
    refusals=TOKEN_REFUSALS,
)  # fmt: skip
REPORT = Operation(
    summary="Record a problem: of a bug report opened in a support period, or that you found",
    method="POST", request=WriteProblem, body=NewProblemBody, answer=ProblemAnswer, status=HTTPStatus.CREATED,
    access=Access.TOKEN, refusals=ONCE_REFUSALS,
)  # fmt: skip
SHOW = Operation(
    summary="A problem with who reported it and who was told", request=OneProblem, answer=ProblemDetails,
    access=Access.TOKEN, refusals=ONE_REFUSALS,
)  # fmt: skip
CHANGE = Operation(
    summary="Correct what was written of a problem",
    method="PATCH", request=OneProblem, body=ProblemChangesBody, answer=ProblemAnswer, access=Access.TOKEN,
    refusals=CHANGE_REFUSALS,
)  # fmt: skip
ADD_REPORTER = Operation(
    summary="Somebody else has the same problem; a repeat changes nothing",
    method="POST", request=WriteToProblem, body=ReportBody, answer=ProblemAnswer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip
STEP = Operation(
    summary="Take a problem a step on, or back; a repeat changes nothing",
    method="POST", request=WriteToProblem, body=StepBody, answer=ProblemAnswer, access=Access.TOKEN,
    refusals=ONCE_REFUSALS,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemParts:
    """What the addresses of problem records need."""

    list_problems: ListProblems
    report_problem: ReportProblem
    add_reporter: AddReporter
    change_problem: ChangeProblem
    take_step: TakeStep


@dataclass(frozen=True, slots=True)
class ProblemEndpoints:
    """The token is asked for before anything else of a request is read."""

    authentication: TokenAuthentication
    parts: ProblemParts

    def endpoints(self) -> Iterator[Endpoint]:
        yield Endpoint("/v1/problems", self.list, LIST)
        yield Endpoint("/v1/problems", self.report, REPORT)
        yield Endpoint("/v1/problems/{problem}", self.show, SHOW)
        yield Endpoint("/v1/problems/{problem}", self.change, CHANGE)
        yield Endpoint("/v1/problems/{problem}/reporters", self.add_reporter, ADD_REPORTER)
        yield Endpoint("/v1/problems/{problem}/steps", self.step, STEP)

    def list(self, request: Request) -> Response:
        self.authentication.token(request, Scope.SUPPORT)
        asked = read(request, ProblemSearch)
        wanted = ProblemFilter(asked.search, asked.status, asked.product, asked.customer_id)
        page = self.parts.list_problems(wanted, limit=asked.limit, after=asked.cursor)
        problems = [ProblemAnswer.of(problem) for problem in page.entries]
        return answered(ProblemPage(problems=problems, next_cursor=cursor_of(page.after)))

    def show(self, request: Request) -> Response:
        self.authentication.token(request, Scope.SUPPORT)
        return answered(ProblemDetails.of(self.parts.list_problems.one(read(request, OneProblem).problem)))

    async def report(self, request: Request) -> Response:
        token = await self._operator(request)
        key = read(request, WriteProblem).idempotency_key
        body = await read_body(request, NewProblemBody)
        new = NewProblem(
            body.title,
            body.description,
            parse_product(body.product) if body.product is not None else None,
            parse_version(body.found_in) if body.found_in is not None else None,
        )
        report = body.report.report() if body.report is not None else None
        once = once_of(token, "problem.report", key, body.model_dump())
        problem = await run_in_threadpool(self.parts.report_problem, new, report, who=token.who, once=once)
        location = f"/v1/problems/{problem.number}"
        return answered(ProblemAnswer.of(problem), HTTPStatus.CREATED, Location=location)

    async def change(self, request: Request) -> Response:
        token = await self._operator(request)
        said = read(request, OneProblem).problem
        body = await read_body(request, ProblemChangesBody)
        found_in = parse_version(body.found_in) if body.found_in is not None else None
        changes = ProblemChanges(body.title, body.description, found_in)
        changed = await run_in_threadpool(self.parts.change_problem, said, changes, who=token.who)
        return answered(ProblemAnswer.of(changed))

    async def add_reporter(self, request: Request) -> Response:
        token = await self._operator(request)
        asked = read(request, WriteToProblem)
        body = await read_body(request, ReportBody)
        once = once_of(token, f"problem.reporter {asked.problem}", asked.idempotency_key, body.model_dump())
        add = self.parts.add_reporter
        problem = await run_in_threadpool(add, asked.problem, body.report(), who=token.who, once=once)
        return answered(ProblemAnswer.of(problem))

    async def step(self, request: Request) -> Response:
        token = await self._operator(request)
        asked = read(request, WriteToProblem)
        body = await read_body(request, StepBody)
        once = once_of(token, f"problem.step {asked.problem}", asked.idempotency_key, body.model_dump())
        take = self.parts.take_step
        problem = await run_in_threadpool(take, asked.problem, body.taken(), who=token.who, once=once)
        return answered(ProblemAnswer.of(problem))

    async def _operator(self, request: Request) -> ApiToken:
        return await run_in_threadpool(self.authentication.token, request, Scope.SUPPORT)
