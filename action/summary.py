"""The job summary: what each rule said about an event and what came of it, as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator

from action.report import Told, append, left_to_hub, result
from ai_crm.cards.inert import address, gfm, gfm_block
from ai_crm.errors import AiCrmError
from ai_crm.flow.describe import describe
from ai_crm.model.decision import Verdict
from ai_crm.rules.explain import explain

# Bytes. GitHub shows no summary of more than 1 MiB; what stands first matters most.
_SUMMARY_LIMIT = 1_000_000


def summary(all_told: tuple[Told, ...], rules: str, looked: str, errors: tuple[AiCrmError, ...]) -> str:
    """The job summary in GitHub's Markdown. `looked` says why nothing was written, empty when it was."""
    parts = [f"### AI-CRM: {_headline(all_told, looked)}", "", f"Rules: {gfm(rules)}"]
    if looked:
        parts += ["", f"> Only looked, wrote nothing: {gfm(looked)}."]
    if errors:
        parts += ["", *(f"- ⚠️ {gfm(str(error))}" for error in errors)]
    for told in all_told:
        parts += _event_section(told)
    return "\n".join(parts) + "\n"


def failure_summary(problems: list[str]) -> str:
    """The job summary of a run that came to nothing."""
    return "\n".join(("### AI-CRM: nothing was done", "", *(f"- ⚠️ {gfm(problem)}" for problem in problems))) + "\n"


def _headline(all_told: tuple[Told, ...], looked: str) -> str:
    created, updated = sum(told.created for told in all_told), sum(told.updated for told in all_told)
    counts = [f"{did} {_tasks(count)}" for did, count in (("created", created), ("updated", updated)) if count]
    if not counts:
        return "no task created or changed"
    return ("would have " if looked else "") + " and ".join(counts)


def _tasks(count: int) -> str:
    return f"{count} task" if count == 1 else f"{count} tasks"


def _event_section(told: Told) -> Iterator[str]:
    item = told.event.item
    yield ""
    yield f"**{told.event.name}** · [{gfm(item.title or item.ref.id)}]({address(item.url)}) · by {gfm(told.event.actor.login)}"
    yield ""
    yield "| rule | matched? | what came of it | task |"
    yield "|---|---|---|---|"
    yield from (_row(told, verdict) for verdict in told.decision.verdicts)
    yield ""
    if told.decision.skips:
        yield from (f"- ⚠️ {gfm(skip.rule)}: {gfm(skip.because)}" for skip in told.decision.skips)
        yield ""
    yield "<details><summary>Why</summary>"
    yield ""
    yield gfm_block(explain(told.decision))
    yield ""
    yield "</details>"


def _row(told: Told, verdict: Verdict) -> str:
    tasks = told.report.tasks if told.report else ()
    task = next((task for task in tasks if task.rule == verdict.rule and verdict.matched), None)
    link = f"[{task.id}]({address(task.url)})" if task and address(task.url) else task.id if task else ""
    return f"| {gfm(verdict.rule)} | {_matched(verdict)} | {gfm(_came_of(told, verdict))} | {link} |"


def _matched(verdict: Verdict) -> str:
    if verdict.matched:
        return "✅ yes"
    missing = next((finding for finding in verdict.findings if not finding.satisfied), None)
    return f"no: {gfm(f'{missing.condition} wants {missing.wanted}, saw {missing.seen}')}" if missing else "no"


def _came_of(told: Told, verdict: Verdict) -> str:
    if not verdict.matched:
        return ""
    if verdict.note:
        return verdict.note
    if told.stopped:
        return "nothing: it could not be stored"
    if told.report is None:
        return "; ".join(describe(change).planned() for change in told.decision.changes if change.rule == verdict.rule)
    created = [f"created {task.id}" for task in told.report.created if task.rule == verdict.rule]
    done = [
        result(change, applied, told.report.tasks)
        for change, applied in told.report.applied
        if change.rule == verdict.rule
    ]
    left = [left_to_hub(change, told.report.tasks) for change in told.handed if change.rule == verdict.rule]
    return "; ".join(created + done + left) or ("done before" if told.was_done else "nothing could be done: see below")


def write_summary(path: str, markdown: str) -> None:
    """Appends to the job summary. Away from a runner there is none, and nobody misses it."""
    cut = markdown.encode(errors="replace")[:_SUMMARY_LIMIT].decode(errors="ignore")
    append(path, cut, "GITHUB_STEP_SUMMARY")
