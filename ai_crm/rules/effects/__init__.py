"""What a rule can do: one frozen Struct per action, all of them in one tuple."""

from __future__ import annotations

from ai_crm.rules.effects.assign_people import AssignPeople
from ai_crm.rules.effects.assign_reviewer import AssignReviewer
from ai_crm.rules.effects.create_issue import CreateIssue
from ai_crm.rules.effects.create_task import CreateAiCrmTask
from ai_crm.rules.effects.github_comment import GithubComment
from ai_crm.rules.effects.github_label import GithubLabel
from ai_crm.rules.effects.notify import SlackNotification, TeamsNotification
from ai_crm.rules.effects.update_task import UpdateExistingTask
from ai_crm.rules.effects.webhook import Webhook
from ai_crm.rules.rule import Effect

EFFECTS: tuple[type[Effect], ...] = (
    CreateAiCrmTask,
    UpdateExistingTask,
    GithubComment,
    GithubLabel,
    AssignReviewer,
    AssignPeople,
    SlackNotification,
    TeamsNotification,
    CreateIssue,
    Webhook,
)
