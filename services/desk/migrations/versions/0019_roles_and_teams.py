"""Roles and what they allow, and teams: rows of their own.

Revision ID: 0019
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_AGENT = (
    "'tickets.read', 'tickets.reply', 'tickets.note', 'tickets.change', 'customers.change', 'posts.label', 'calls.take'"
)
_SUPERVISOR = f"{_AGENT}, 'agents.manage', 'teams.manage', 'displays.manage'"
_ADMIN = f"{_SUPERVISOR}, 'people.manage', 'tokens.manage', 'audit.read', 'dead-letters.manage'"
_STATEMENTS = (
    "CREATE TABLE roles (name TEXT NOT NULL CONSTRAINT pk_roles PRIMARY KEY, permissions TEXT[] NOT NULL)",
    f"""
    INSERT INTO roles (name, permissions) VALUES
        ('read-only', ARRAY['tickets.read']),
        ('agent', ARRAY[{_AGENT}]),
        ('supervisor', ARRAY[{_SUPERVISOR}]),
        ('admin', ARRAY[{_ADMIN}])
    """,  # noqa: S608
    "ALTER TABLE agents DROP CONSTRAINT ck_agents_role",
    "ALTER TABLE agents ADD CONSTRAINT fk_agents_role_roles FOREIGN KEY (role) REFERENCES roles (name)",
    """
    CREATE TABLE teams (
        name TEXT NOT NULL CONSTRAINT pk_teams PRIMARY KEY,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL
    )
    """,
    "INSERT INTO teams (name) SELECT DISTINCT team FROM tickets WHERE team <> ''",
    """
    CREATE TABLE team_members (
        team TEXT NOT NULL CONSTRAINT fk_team_members_team_teams REFERENCES teams (name) ON DELETE CASCADE,
        agent_id UUID NOT NULL CONSTRAINT fk_team_members_agent_id_agents REFERENCES agents (id) ON DELETE CASCADE,
        CONSTRAINT pk_team_members PRIMARY KEY (team, agent_id)
    )
    """,
    "CREATE INDEX ix_team_members_agent_id ON team_members (agent_id)",
)


def upgrade() -> None:
    """Agents and admins keep their roles, and teams that have tickets are there."""
    for statement in _STATEMENTS:
        op.execute(statement)
