"""What an agent's work is: levels of skills, languages, capacity, working hours, time off.

Revision ID: 0021
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is held to anything that was not said: all skills are of the middle level, all
    languages are spoken, and hours are not kept."""
    op.execute(
        """
        ALTER TABLE agents
            ADD COLUMN skill_levels JSONB DEFAULT '{}' NOT NULL,
            ADD COLUMN languages TEXT[] DEFAULT '{}' NOT NULL,
            ADD COLUMN capacity JSONB DEFAULT '{}' NOT NULL,
            ADD COLUMN hours TEXT DEFAULT '' NOT NULL,
            ADD COLUMN timezone TEXT DEFAULT 'UTC' NOT NULL,
            ADD COLUMN time_off TEXT DEFAULT '' NOT NULL
        """
    )
