"""odata-query parses every `$filter` that the client was recorded sending in the whole test run.

Two things it does not know are put into its words before: a parameter alias (`@p1`) becomes what stands for it
in the same address, and a JSON array becomes its list. Everything else is parsed as it was sent.
"""

import json
import os
import pathlib
import re
from urllib.parse import unquote, urlsplit

import pytest
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from sandbox import ROOT

RECORD = pathlib.Path(
    os.environ.get("COUNTERPARTS_RECORD", ROOT / ".ci" / "cache" / "counterparts" / "record")
)
IN = "Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)"


def addresses():
    """The recorded addresses, each once."""
    files = sorted(RECORD.glob("*"))
    assert files, f"nothing was recorded in {RECORD}; tests/counterparts/run does it"
    lines = {line for file in files for line in file.read_text().splitlines()}
    return sorted(line.split(" ", 2)[2] for line in lines)


def options(address):
    """The query of an address, decoded once, in pairs."""
    parts = filter(None, urlsplit(address).query.split("&"))
    return {unquote(name): unquote(value) for name, _, value in (part.partition("=") for part in parts)}


def filters(address):
    """Every filter of an address, those within `$expand` included, with its aliases resolved."""
    query = options(address)
    found = [query["$filter"]] if "$filter" in query else []
    found += [inner for inner in inside(query.get("$expand", "")) if inner is not None]
    aliases = {name: value for name, value in query.items() if name.startswith("@")}
    return [resolved(text, aliases) for text in found]


def inside(expand):
    """The filters in `Navigation($select=a;$filter=b)`."""
    for group in re.findall(r"\(((?:'[^']*'|[^()'])*)\)", expand):
        for option in re.findall(r"(?:'[^']*'|[^;'])+", group):
            name, _, value = option.partition("=")
            if name == "$filter":
                yield value


def resolved(text, aliases):
    """A filter without aliases and arrays; texts in quotes stay as they are."""
    parts = re.split(r"('(?:[^']|'')*')", text)
    plain = (re.sub(r"@\w+", lambda found: value(aliases[found[0]]), part) for part in parts[::2])
    return "".join(one for pair in zip(plain, [*parts[1::2], ""]) for one in pair)


def value(text):
    """What an alias stands for; an array in the parser's own words."""
    if not text.startswith("["):
        return text
    quoted = ("'" + item.replace("'", "''") + "'" for item in json.loads(text))
    return f"({', '.join(quoted)})"


def parse(text):
    return ODataParser().parse(ODataLexer().tokenize(text))


def test_no_recorded_filter_is_refused():
    refused, parsed = [], 0
    for address in addresses():
        for text in filters(address):
            try:
                parse(text)
                parsed += 1
            except ODataException as error:
                refused.append(f"{text}: {error}")
    assert refused == []
    assert parsed == sum(unquote(address).count("$filter=") for address in addresses())


def test_every_kind_of_filter_of_the_client_is_among_them():
    queries = [options(address) for address in addresses()]
    sent = {query.get("$filter") for query in queries}
    assert IN in sent
    assert "contoso_name eq 'shipments'" in sent
    assert any("$filter=LogicalName eq " in query.get("$expand", "") for query in queries)


@pytest.mark.parametrize(
    "text",
    ["a eq", "eq 1", "(a eq 1", "a eq 1 and", "a = 1", "a eq 'b", "f(x=", "a eq 'O'Brien'", "a b"],
)
def test_a_malformed_filter_is_refused(text):
    with pytest.raises(ODataException):
        parse(text)
