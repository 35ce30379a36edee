#!/usr/bin/env python3
"""Turns the list of the kernel's interface into a C++ array: embed_uapi.py LIST.tsv HEADER.hpp.

The build calls it for abi_test.cpp. The list is compiled in, not read at run time, because the test programs
also run where there are no files: in the first process of a guest.
"""

import csv
import json
import sys

COLUMNS = ["kind", "owner", "name", "value_or_offset", "size", "align_or_type", "header"]
HEAD = """// Made by embed_uapi.py from {source}; not edited by hand. What the kernel's interface is, one line each.
#pragma once

struct uapi_line {{
    const char* kind;  // "struct", "field", "enum" or "macro"
    const char* owner; // of a field its structure, of an enumerator its enumeration
    const char* name;
    long long value;   // of a field its offset, of a structure its alignment; 64 bits, as signed
    long size;         // of structures and fields
    const char* type;  // of fields
}};

inline constexpr uapi_line uapi_list[] = {{
"""


def as_signed(number):
    if not -(2**63) <= number < 2**64:
        sys.exit(f"{number} does not fit 64 bits")
    return number - 2**64 if number >= 2**63 else number


def line(row):
    structure = row["kind"] == "struct"
    value = as_signed(int(row["align_or_type" if structure else "value_or_offset"]))
    texts = [json.dumps(row[column]) for column in ("kind", "owner", "name")]
    kind_of_type = json.dumps("" if structure else row["align_or_type"])
    return f"    {{{', '.join(texts)}, {value}LL, {int(row['size'] or 0)}, {kind_of_type}}},\n"


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if rows.fieldnames != COLUMNS:
            sys.exit(f"{source}: the columns are {rows.fieldnames}, not {COLUMNS}")
        lines = [line(row) for row in rows]
    with open(target, "w", encoding="utf-8") as file:
        file.write(HEAD.format(source=source.rsplit("/", 1)[-1]))
        file.writelines(lines)
        file.write("};\n")


if __name__ == "__main__":
    main()
