"""``tenure problems``: faults of a product, from the report to the release that fixes them."""

from __future__ import annotations

from typing import Annotated

import typer

from tenure_server.cli.context import AsJson, context_of, parsed, parsed_or_none
from tenure_server.cli.output import print_facts, print_json, print_line, print_table
from tenure_server.domain.problems import (
    OPEN,
    Declined,
    FixKind,
    FixPlanned,
    FoundDuplicate,
    NoticeState,
    NotReproducible,
    Plan,
    Problem,
    ProblemStatus,
    Reopened,
    Reporter,
    Reproduced,
    WorkAroundGiven,
)
from tenure_server.use_cases.ports_problems import ProblemFilter
from tenure_server.use_cases.problem_reporters import Report
from tenure_server.use_cases.problems import NewProblem, ProblemChanges, ShownProblem, TakenByHand
from tenure_signing.errors import InvalidName
from tenure_signing.names import parse_product
from tenure_signing.problem_numbers import parse_problem_number
from tenure_signing.versions import parse_version

problems = typer.Typer(help="Problem records, from the report to the release.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="P-17", help="The problem's number.")]
Title = Annotated[str, typer.Option("--title", help="One line. Customers read it.")]
Description = Annotated[str, typer.Option("--description", help="For your own people; customers never read it.")]
FoundIn = Annotated[str | None, typer.Option("--found-in", metavar="VERSION", help="The version it was found in.")]
Exception_ = Annotated[
    str | None,
    typer.Option("--exception", metavar="REASON", help="Take it although it was not opened in a support period."),
]
ToProblem = Annotated[
    str | None, typer.Option("--problem", metavar="P-17", help="Add it to this one: somebody else has the same.")
]
Why = Annotated[str, typer.Option("--reason", help="Why; it goes to the audit trail.")]


def register(app: typer.Typer) -> None:
    app.add_typer(problems, name="problems")


@problems.command("list")
def list_problems(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[WORDS]", help="Words of the number or title.")] = "",
    product: Annotated[str | None, typer.Option("--product", help="Only this product's.")] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Such as released or fix_planned; repeat for more.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500)] = 50,
    as_json: AsJson = False,
) -> None:
    """List problems, newest first: those that are open.

    Words, --status and --all look further.
    """
    given = tuple(parsed("--status", each, _parse_status) for each in status or ())
    statuses = given or (() if everything or text else OPEN)
    wanted = ProblemFilter(text, statuses, parsed_or_none("--product", product, parse_product))
    page = context_of(ctx).installation.list_problems(wanted, limit=limit)
    if as_json:
        print_json([problem_json(problem) for problem in page.entries])
        return
    rows = [
        (problem.number, problem.product, _status(problem), _found_in(problem), problem.title)
        for problem in page.entries
    ]
    print_table(("PROBLEM", "PRODUCT", "STATUS", "FOUND IN", "TITLE"), rows, nothing="There is no such problem.")
    if page.after is not None:
        print_line(f"There are more: --limit shows more than {limit}.")


@problems.command("show")
def show(ctx: typer.Context, number: Number, as_json: AsJson = False) -> None:
    """Show a problem.

    With who reported it, who was told, and what was done.
    """
    shown = context_of(ctx).installation.list_problems.one(number)
    if as_json:
        print_json(_shown_json(shown))
        return
    print_facts(_facts(shown.problem))
    if shown.reporters:
        print_table(
            ("REPORTER", "REPORTED", "LICENCE", "BY RIGHT", "TOLD"),
            [_reporter_row(shown, reporter) for reporter in shown.reporters],
            nothing="",
        )
    print_table(
        ("WHEN", "WHO", "WHAT", "DETAILS"),
        [
            (
                f"{each.at:%Y-%m-%d %H:%M}",
                each.who,
                each.action.removeprefix("problem.").replace("_", " "),
                ", ".join(f"{name} {value}" for name, value in each.details.items() if value is not None),
            )
            for each in shown.history
        ],
        nothing="",
    )


@problems.command("report")
def report(
    ctx: typer.Context,
    title: Title,
    product: Annotated[str | None, typer.Option("--product", help="Default: the licence's.")] = None,
    description: Description = "",
    found_in: FoundIn = None,
    licence: Annotated[str | None, typer.Option("--licence", help="Who reported it; nobody: you found it.")] = None,
    contact: Annotated[str | None, typer.Option("--contact", help="Which of the customer's contacts is told.")] = None,
    exception: Exception_ = None,
    as_json: AsJson = False,
) -> None:
    """Record a problem.

    One that you found, or that a customer told you of.
    A customer's report is taken by right in a support period only.
    """
    context = context_of(ctx)
    if licence is None and (contact is not None or exception is not None):
        raise typer.BadParameter("--contact and --exception go with --licence")
    by = Report(licence_id=licence, contact_id=contact, exception=exception) if licence is not None else None
    new = NewProblem(
        title,
        description,
        parsed_or_none("--product", product, parse_product),
        parsed_or_none("--found-in", found_in, parse_version),
    )
    _print(context.installation.report_problem(new, by, who=context.who), "Recorded", as_json)


@problems.command("from-request")
def from_request(
    ctx: typer.Context,
    request: Annotated[str, typer.Argument(metavar="R-1042", help="A bug report's number.")],
    title: Annotated[str | None, typer.Option("--title", help="One line. Customers read it.")] = None,
    description: Description = "",
    found_in: FoundIn = None,
    product: Annotated[str | None, typer.Option("--product", help="Default: the request's.")] = None,
    problem: ToProblem = None,
    exception: Exception_ = None,
    as_json: AsJson = False,
) -> None:
    """Make a problem record of a bug report.

    Or add it to one that there is, with --problem.
    By right only if the request was opened in a support period.
    """
    context = context_of(ctx)
    by = Report(request=request, exception=exception)
    if problem is not None:
        if title is not None or description or found_in is not None:
            raise typer.BadParameter("--problem takes nothing but the request")
        _print(context.installation.add_problem_reporter(problem, by, who=context.who), "Added to", as_json)
        return
    if title is None:
        raise typer.BadParameter("say --title for a new problem, or --problem for one that is known")
    new = NewProblem(
        title,
        description,
        parsed_or_none("--product", product, parse_product),
        parsed_or_none("--found-in", found_in, parse_version),
    )
    _print(context.installation.report_problem(new, by, who=context.who), "Recorded", as_json)


@problems.command("reproduce")
def reproduce(
    ctx: typer.Context,
    number: Number,
    material: Annotated[bool | None, typer.Option("--material/--not-material", help="Whether it is material.")] = None,
    cannot: Annotated[
        str | None, typer.Option("--cannot", metavar="REASON", help="It could not be reproduced, and why.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say that you have seen it, or could not.

    And whether it is material.
    """
    if (material is None) == (cannot is None):
        raise typer.BadParameter("say --material, --not-material or --cannot REASON")
    _step(ctx, number, NotReproducible(cannot) if cannot is not None else Reproduced(bool(material)), as_json)


@problems.command("work-around")
def work_around(
    ctx: typer.Context,
    number: Number,
    text: Annotated[str, typer.Option("--text", help="What customers can do until it is fixed.")],
    as_json: AsJson = False,
) -> None:
    """Write down a work-around.

    Nobody is told of it by itself: reply to who asks.
    """
    _step(ctx, number, WorkAroundGiven(text), as_json)


@problems.command("plan")
def plan(
    ctx: typer.Context,
    number: Number,
    kind: Annotated[FixKind, typer.Option("--in", help="What the fix is planned for.")],
    version: Annotated[str | None, typer.Option("--version", help="Where it is known.")] = None,
    as_json: AsJson = False,
) -> None:
    """Plan the fix for a service pack or release."""
    _step(ctx, number, FixPlanned(Plan(kind, parsed_or_none("--version", version, parse_version))), as_json)


@problems.command("decline")
def decline(ctx: typer.Context, number: Number, reason: Why, as_json: AsJson = False) -> None:
    """Say that it will not be fixed."""
    _step(ctx, number, Declined(reason), as_json)


@problems.command("duplicate")
def duplicate(
    ctx: typer.Context,
    number: Number,
    of: Annotated[str, typer.Option("--of", metavar="P-12", help="The one that stays.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it goes to the audit trail.")] = "the same problem",
    as_json: AsJson = False,
) -> None:
    """Say that another one is of the same.

    Its reporters are told with those of that one.
    """
    _step(ctx, number, FoundDuplicate(parsed("--of", of, parse_problem_number), reason), as_json)


@problems.command("reopen")
def reopen(ctx: typer.Context, number: Number, reason: Why, as_json: AsJson = False) -> None:
    """Go one step back.

    From its end to what was known before, from a planned fix to none.
    """
    _step(ctx, number, Reopened(reason), as_json)


@problems.command("change")
def change(
    ctx: typer.Context,
    number: Number,
    title: Annotated[str | None, typer.Option("--title", help="One line. Customers read it.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="For your own people.")] = None,
    found_in: FoundIn = None,
    as_json: AsJson = False,
) -> None:
    """Correct what was written of it."""
    context = context_of(ctx)
    changes = ProblemChanges(title, description, parsed_or_none("--found-in", found_in, parse_version))
    _print(context.installation.change_problem(number, changes, who=context.who), "Now", as_json)


def problem_json(problem: Problem) -> dict[str, object]:
    """As the API tells it."""
    plan, fix, ending = problem.plan, problem.fix, problem.ending
    return {
        "id": problem.problem_id,
        "number": problem.number,
        "product": problem.product,
        "title": problem.title,
        "description": problem.description,
        "found_in": str(problem.found_in) if problem.found_in is not None else None,
        "status": problem.status.value,
        "material": problem.material,
        "work_around": problem.work_around,
        "plan": None
        if plan is None
        else {"kind": plan.kind.value, "version": str(plan.version) if plan.version is not None else None},
        "fix": None if fix is None else {"version": str(fix.version), "released_on": fix.released_on.isoformat()},
        "reason": ending.reason if ending is not None else None,
        "duplicate_of": ending.duplicate_of if ending is not None else None,
        "reported_at": problem.reported_at.isoformat(),
        "changed_at": problem.changed_at.isoformat(),
    }


def _step(ctx: typer.Context, number: str, step: TakenByHand, as_json: bool) -> None:
    context = context_of(ctx)
    _print(context.installation.take_problem_step(number, step, who=context.who), "Now", as_json)


def _print(problem: Problem, done: str, as_json: bool) -> None:
    if as_json:
        print_json(problem_json(problem))
        return
    print_line(f"{done} {problem.number} ({_status(problem)}): {problem.title}")


def _status(problem: Problem) -> str:
    words = problem.status.value.replace("_", " ")
    if problem.fix is not None:
        return f"{words} in {problem.fix.version}"
    if problem.ending is not None and problem.ending.duplicate_of is not None:
        return f"{words} of {problem.ending.duplicate_of}"
    if problem.plan is not None and problem.is_open:
        return f"{words} for {problem.plan.version or 'a ' + problem.plan.kind.value.replace('_', ' ')}"
    return words


def _parse_status(text: str) -> ProblemStatus:
    if text not in tuple(ProblemStatus):
        raise InvalidName(f"a problem's status is one of {', '.join(ProblemStatus)}")
    return ProblemStatus(text)


def _found_in(problem: Problem) -> str:
    return str(problem.found_in) if problem.found_in is not None else ""


def _facts(problem: Problem) -> dict[str, object]:
    material = {True: "yes", False: "no", None: "not known yet"}[problem.material]
    facts: dict[str, object] = {
        "problem": f"{problem.number} of {problem.product}",
        "title": problem.title,
        "status": _status(problem),
        "material": material,
        "reported": f"{problem.reported_at:%Y-%m-%d %H:%M} UTC",
    }
    if problem.found_in is not None:
        facts["found in"] = problem.found_in
    if problem.fix is not None:
        facts["release day"] = problem.fix.released_on
    if problem.ending is not None:
        facts["because"] = problem.ending.reason
    if problem.work_around is not None:
        facts["work-around"] = problem.work_around
    if problem.description:
        facts["description"] = problem.description
    return facts


def _reporter_row(shown: ShownProblem, reporter: Reporter) -> tuple[object, ...]:
    notices = [each for each in shown.notices if each.reporter_id == reporter.reporter_id]
    said = {
        NoticeState.WAITING: "waits for {due}",
        NoticeState.TOLD: "of {version}",
        NoticeState.DROPPED: "not of {version}: {why}",
    }
    told = [said[each.state].format(due=each.due_on, version=each.version, why=each.drop_reason) for each in notices]
    return (
        reporter.request_id or reporter.customer_id or "",
        reporter.reported_on,
        reporter.licence_id or "none",
        f"no: {reporter.exception}" if reporter.exception is not None else "yes",
        "; ".join(told),
    )


def _shown_json(shown: ShownProblem) -> dict[str, object]:
    return {
        **problem_json(shown.problem),
        "reporters": [
            {
                "id": each.reporter_id,
                "customer": each.customer_id,
                "licence": each.licence_id,
                "request": each.request_id,
                "reported_on": each.reported_on.isoformat(),
                "exception": each.exception,
                "told": [
                    {"version": str(one.version), "state": one.state.value, "due_on": one.due_on.isoformat()}
                    for one in shown.notices
                    if one.reporter_id == each.reporter_id
                ],
            }
            for each in shown.reporters
        ],
        "history": [
            {"at": each.at.isoformat(), "who": each.who, "action": each.action, "details": dict(each.details)}
            for each in shown.history
        ],
    }
