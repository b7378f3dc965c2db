"""The APIs as data: their documents, the requests to their operations, and their answers.

No endpoint, operation or field of any vendor is named in this code; all of it comes from OpenAPI documents.
"""

from runner.catalogue.answer import (
    AnswerError,
    DeclaredFailure,
    describe_error,
    parse_json,
    read_answer,
)
from runner.catalogue.container import collection_of, container_of, home_of, nameless
from runner.catalogue.credentials import (
    credentials_in,
    credentials_sent,
    is_called_so,
    is_secret_variable,
    without_credentials,
    without_sent,
)
from runner.catalogue.documents.document import Api, Auth, Catalogue, Limits, load_api, shipped_apis
from runner.catalogue.ids import is_id
from runner.catalogue.objects import link_of
from runner.catalogue.operation import Failure, Operation, Pagination
from runner.catalogue.paging import Page, empty_page, first_arguments, next_arguments
from runner.catalogue.read_back import entry_of
from runner.catalogue.request import Request, build_request, condition_notes, in_url, to_json
from runner.catalogue.schemas.schema import Violation, types_of, validator_of, violations
from runner.catalogue.sent import sent_arguments
from runner.catalogue.values.answer_fields import of_answer, of_entry
from runner.catalogue.values.conditions import Conditions, note_of_day, spelled_conditions
from runner.catalogue.values.findings import ArgumentError
from runner.catalogue.values.form import FORM, decode_form
from runner.catalogue.values.money import AmountRules, amount_defect
from runner.catalogue.values.parameters import Parameter
from runner.exact_json import parse_own_json

__all__ = [
    "FORM",
    "AmountRules",
    "AnswerError",
    "Api",
    "ArgumentError",
    "Auth",
    "Catalogue",
    "Conditions",
    "DeclaredFailure",
    "Failure",
    "Limits",
    "Operation",
    "Page",
    "Pagination",
    "Parameter",
    "Request",
    "Violation",
    "amount_defect",
    "build_request",
    "collection_of",
    "condition_notes",
    "container_of",
    "credentials_in",
    "credentials_sent",
    "decode_form",
    "describe_error",
    "empty_page",
    "entry_of",
    "first_arguments",
    "home_of",
    "in_url",
    "is_called_so",
    "is_id",
    "is_secret_variable",
    "link_of",
    "load_api",
    "nameless",
    "next_arguments",
    "note_of_day",
    "of_answer",
    "of_entry",
    "parse_json",
    "parse_own_json",
    "read_answer",
    "sent_arguments",
    "shipped_apis",
    "spelled_conditions",
    "to_json",
    "types_of",
    "validator_of",
    "violations",
    "without_credentials",
    "without_sent",
]
