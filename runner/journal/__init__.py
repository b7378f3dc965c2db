"""Journal: every call is recorded before and after it is sent, in one SQLite file. All SQL is in this package."""

from runner.journal.content import content_of
from runner.journal.history import History
from runner.journal.records import (
    AgainRecord,
    AttemptRecord,
    CallRecord,
    CallState,
    Identity,
    KeyRun,
    MadeCall,
    NoticeRecord,
    RowRecord,
    RunRecord,
    SentCall,
    SentLine,
    SentWrite,
    SettlementRecord,
    moment_after,
    now,
)
from runner.journal.rekey import look_of
from runner.journal.store import Journal

__all__ = [
    "AgainRecord", "AttemptRecord", "CallRecord", "CallState", "History", "Identity", "Journal", "KeyRun",
    "MadeCall", "NoticeRecord", "RowRecord", "RunRecord", "SentCall", "SentLine", "SentWrite", "SettlementRecord",
    "content_of", "look_of", "moment_after", "now",
]  # fmt: skip
