"""libbge's tables for Spark's Python workers: the Arrow C stream by ctypes, and one client for each worker.

Ship it with the job (`--py-files`): the module is loaded once in each worker, and so its client is made once.
"""
import ctypes
import functools
import json
import os

import pyarrow


class Failed(Exception):
    """A failure of the library, with all that its error tells."""

    def __init__(self, error):
        super().__init__(error.get("message"))
        self.error = error


@functools.cache
def library():
    bge = ctypes.CDLL(os.environ.get("BGE_LIBRARY", "libbge.so.0"))
    bge.bge_error_json.restype = ctypes.c_char_p
    return bge


def call(name, *arguments):
    error = ctypes.c_void_p()
    if getattr(library(), name)(*arguments, ctypes.byref(error)):
        told = json.loads(library().bge_error_json(error))
        library().bge_error_free(error)
        raise Failed(told)


@functools.cache
def client(options):
    """This worker's client; it lives as long as the worker. Credentials are found as by `bge_api_open`."""
    api = ctypes.c_void_p()
    call("bge_api_open", options.encode(), ctypes.byref(api))
    return api


class Table:
    """A table, and what went wrong with its samples."""

    def __init__(self, options, name, arguments):
        self.table = ctypes.c_void_p()
        text = json.dumps(arguments).encode()
        call("bge_api_open_table", client(options), name.encode(), text, ctypes.byref(self.table))

    def reader(self):
        stream = (ctypes.c_void_p * 5)()  # struct ArrowArrayStream
        call("bge_table_stream", self.table, ctypes.byref(stream))
        return pyarrow.RecordBatchReader._import_from_c(ctypes.addressof(stream))

    def failed(self):
        out = ctypes.c_void_p()
        call("bge_table_report", self.table, ctypes.byref(out))
        try:
            return json.loads(ctypes.string_at(out))["failed"]
        finally:
            library().bge_string_free(out)

    def __del__(self):
        if self.table:
            library().bge_table_free(self.table)


def schema(options, name, arguments):
    """The columns of a call. Nothing is sent."""
    fields = Table(options, name, {**arguments, "biosample_id": ["none"]}).reader().schema
    return pyarrow.schema([field.remove_metadata() for field in fields])


def fetch(options, name, arguments, allow_missing=None):
    """The function that `mapInArrow` takes: batches with a column biosample_id in, the call's rows out.

    A sample is given whole or not at all. One that cannot be had for good is told to `allow_missing`, an accumulator; without
    one it fails the task, and so does whatever may pass: Spark tries the task again.
    """

    def rows(batches):
        for batch in batches:
            ids = batch.column("biosample_id").to_pylist()
            if not ids:
                continue
            switches = {"on_error": "skip", "whole": True, "retry_for": 600}
            table = Table(options, name, {**arguments, "biosample_id": ids, "$": switches})
            for part in table.reader():
                yield part.replace_schema_metadata(None)
            for sample in table.failed():
                if allow_missing is None or sample["error"].get("retryable"):
                    raise Failed({"message": f"{sample['biosample_id']}: {sample['error']['message']}"})
                allow_missing.add(1)

    return rows
