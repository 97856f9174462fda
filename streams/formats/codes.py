"""Why a point is rejected by the format it came in: the codes of the rejects that `scan` makes."""

from enum import StrEnum


class Code(StrEnum):
    """A reject's code. Each names one mistake; the reject's message says where it is."""

    NOT_UTF8 = "not_utf8"
    MISSING_MEASUREMENT = "missing_measurement"
    MISSING_TAG_KEY = "missing_tag_key"
    MISSING_TAG_VALUE = "missing_tag_value"
    INVALID_TAG = "invalid_tag"
    DUPLICATE_TAG = "duplicate_tag"
    RESERVED_NAME = "reserved_name"
    KEY_TOO_LONG = "key_too_long"
    INVALID_NAME = "invalid_name"
    MISSING_FIELDS = "missing_fields"
    MISSING_FIELD_KEY = "missing_field_key"
    MISSING_FIELD_VALUE = "missing_field_value"
    INVALID_FIELD = "invalid_field"
    INVALID_NUMBER = "invalid_number"
    INVALID_BOOLEAN = "invalid_boolean"
    INVALID_STRING = "invalid_string"
    OUT_OF_RANGE = "out_of_range"
    FIELD_TYPE = "field_type"
    INVALID_POINT = "invalid_point"
    TOO_MANY_POINTS = "too_many_points"
    INVALID_TIME = "invalid_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
