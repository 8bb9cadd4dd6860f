"""`use: code-review`: a review task of each pull request that changes certain files, once for each language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ai_crm.model.item import Person

if TYPE_CHECKING:
    from tests.rules.conftest import Ask, Happens

RULES = """\
auto_task_creation:
  rules:
    - name: python
      use: code-review
      with: {files: "*.py", agent: python-pro}
    - name: web
      use: code-review
      with: {files: ["*.ts", "*.tsx", "!*.d.ts"], priority: low, base: [main, master]}
"""
PYTHON = ['task "Code review: Update the README with new information." (HIGH, python-pro assigned)', "ask guido"]
WEB = [
    'task "Code review: Update the README with new information." (LOW, code-reviewer assigned)',
    "ask ada, octo-org/reviewers",
]


@pytest.mark.parametrize(
    ("files", "item", "lines"),
    [
        (("src/app.py", "README.md"), {}, PYTHON),
        (("web/app.tsx",), {}, WEB),
        (("src/app.py", "web/app.ts"), {}, [PYTHON[0], WEB[0], PYTHON[1], WEB[1]]),
        (("README.md", "types.d.ts"), {}, []),
        (("web/app.ts",), {"base": "release"}, []),
        (("src/app.py",), {"draft": True}, []),
        (("src/app.py",), {"author": Person("renovate[bot]", is_bot=True)}, []),
        (("src/app.py",), {"author": Person("guido")}, [PYTHON[0], "not create_ai_crm_task.reviewers"]),
        (("src/app.py",), {"reviewers": ("guido",)}, PYTHON[:1]),
    ],
)
def test_code_review(
    ask: Ask, happens: Happens, files: tuple[str, ...], item: dict[str, Any], lines: list[str]
) -> None:
    assert ask(RULES, happens("pull_request.opened", files=files, **{"reviewers": (), **item})) == lines


def test_a_draft_gets_its_review_when_it_is_ready(ask: Ask, happens: Happens) -> None:
    ready = happens("pull_request.opened", ("pull_request.ready_for_review",), files=("a.py",), reviewers=())
    assert ask(RULES, ready) == PYTHON
