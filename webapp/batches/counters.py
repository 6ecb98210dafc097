"""Counts of a batch's files that pages show, and the column that they use. See `webapp/counters`."""

from typing import Final

from webapp.captioning.job_states import STANDING_SQL
from webapp.counters.counter import Counter
from webapp.counters.triggers import Kept, kept_register

_ITEMS, _JOBS = "batches_batchitem", "captioning_captionjob"
_STATE: Final = STANDING_SQL.format(row="j")  # of the job of an item's photo

ITEMS: Final = Counter(
    name="batch_items",
    table=_ITEMS,
    subject="{row}.batch_id",
    parts=("{row}.outcome", "{row}.error_code", "{row}.job_state"),
    columns=("batch_id", "outcome", "error_code", "job_state"),
)
"""By batch: outcome, error code and state of the photo's job."""

_WANTED: Final = f"coalesce((SELECT {_STATE} FROM {_JOBS} j WHERE j.photo_id = {_ITEMS}.photo_id), '')"
_CHANGED: Final = f"{STANDING_SQL.format(row='old')} <> {STANDING_SQL.format(row='new')}"

kept_register(
    Kept(
        name="batch_item_states",
        tables=(_JOBS, _ITEMS),
        sqlite={
            "kept_batch_item_states_job": f"""
                CREATE TRIGGER kept_batch_item_states_job AFTER UPDATE OF state ON {_JOBS} WHEN {_CHANGED} BEGIN
                    UPDATE {_ITEMS} SET job_state = {STANDING_SQL.format(row="new")} WHERE photo_id = new.photo_id;
                END""".strip(),
            "kept_batch_item_states_insert": f"""
                CREATE TRIGGER kept_batch_item_states_insert AFTER INSERT ON {_ITEMS}
                WHEN new.photo_id IS NOT NULL BEGIN
                    UPDATE {_ITEMS} SET job_state = {_WANTED} WHERE id = new.id;
                END""".strip(),
            "kept_batch_item_states_photo": f"""
                CREATE TRIGGER kept_batch_item_states_photo AFTER UPDATE OF photo_id ON {_ITEMS}
                WHEN old.photo_id IS NOT new.photo_id BEGIN
                    UPDATE {_ITEMS} SET job_state = {_WANTED} WHERE id = new.id;
                END""".strip(),
        },
        postgresql=(
            # Locks the job until the item is written. Otherwise each write could miss the other.
            f"""
            CREATE OR REPLACE FUNCTION kept_batch_item_states() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE wanted text;
            BEGIN
                SELECT {_STATE} INTO wanted FROM {_JOBS} j WHERE j.photo_id = NEW.photo_id FOR SHARE;
                NEW.job_state := coalesce(wanted, '');
                RETURN NEW;
            END $$""",
            f"""
            CREATE OR REPLACE FUNCTION kept_batch_item_states_job() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                UPDATE {_ITEMS} i SET job_state = {STANDING_SQL.format(row="added")}
                FROM added JOIN removed ON removed.id = added.id
                WHERE i.photo_id = added.photo_id
                AND {STANDING_SQL.format(row="removed")} <> {STANDING_SQL.format(row="added")};
                RETURN NULL;
            END $$""",
            f"""
            CREATE OR REPLACE TRIGGER kept_batch_item_states_insert BEFORE INSERT ON {_ITEMS}
            FOR EACH ROW EXECUTE FUNCTION kept_batch_item_states()""",
            f"""
            CREATE OR REPLACE TRIGGER kept_batch_item_states_photo BEFORE UPDATE OF photo_id ON {_ITEMS}
            FOR EACH ROW WHEN (OLD.photo_id IS DISTINCT FROM NEW.photo_id)
            EXECUTE FUNCTION kept_batch_item_states()""",
            f"""
            CREATE OR REPLACE TRIGGER kept_batch_item_states_job AFTER UPDATE ON {_JOBS}
            REFERENCING OLD TABLE AS removed NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION kept_batch_item_states_job()""",
        ),
        fill=(f"UPDATE {_ITEMS} SET job_state = {_WANTED} WHERE job_state <> {_WANTED}",),
        differs=f"SELECT count(*) FROM {_ITEMS} WHERE job_state <> {_WANTED}",
    )
)
