"""An OData service written elsewhere in the place of Dataverse's tables: odatapy's model, parser and store.

A front listens on loopback. What is addressed to the modelled tables, and every batch, goes to odatapy; all the
rest (sign-in, the Flow API, descriptions of tables, functions) goes to a sandbox. The tables begin as they are in
the sandbox, read with a token of its own.
"""

import datetime
import http.client
import http.server
import json
import re
import threading
import urllib.parse
import urllib.request
import uuid

from odatapy.data import Entity, ValueType
from odatapy.edm.csdl import (
    CsdlAbstractEdmProvider,
    CsdlEntityContainer,
    CsdlEntitySet,
    CsdlEntityType,
    CsdlNavigationProperty,
    CsdlNavigationPropertyBinding,
    CsdlProperty,
    CsdlPropertyRef,
    CsdlSchema,
)
from odatapy.server import OData
from odatapy.server.adapters.common import build_request
from odatapy.server.inmemory import InMemoryDataStore, InMemoryProcessor
from odatapy.server.processor import CustomETagSupport
from sandbox import CLIENT, TENANT

SPACE = "Microsoft.Dynamics.CRM"
BASE = "/api/data/v9.2/"
LOOKUP = "_environmentvariabledefinitionid_value"
TO_VALUES = "environmentvariabledefinition_environmentvariablevalue"
TO_DEFINITION = "EnvironmentVariableDefinitionId"
IN = re.compile(rf"{re.escape(SPACE)}\.In\(PropertyName=@p1,PropertyValues=@p2\)")

# The columns of each table, the primary id first; its set is the name and an s. Every row has the time of its making.
CREATED = "createdon"
TABLES = {
    "workflow": {
        "workflowid": "Guid",
        "name": "String",
        "category": "Int32",
        "statecode": "Int32",
        "resourceid": "Guid",
        "clientdata": "String",
    },
    "environmentvariabledefinition": {
        "environmentvariabledefinitionid": "Guid",
        "schemaname": "String",
        "type": "Int32",
        "defaultvalue": "String",
    },
    "environmentvariablevalue": {
        "environmentvariablevalueid": "Guid",
        "schemaname": "String",
        "value": "String",
        LOOKUP: "Guid",
    },
    "contoso_endpoint": {
        "contoso_endpointid": "Guid",
        "contoso_name": "String",
        "contoso_url": "String",
    },
}
for columns in TABLES.values():
    columns[CREATED] = "DateTimeOffset"
NAVIGATION = {
    "environmentvariabledefinition": CsdlNavigationProperty(
        TO_VALUES, f"{SPACE}.environmentvariablevalue", collection=True, partner=TO_DEFINITION
    ),
    "environmentvariablevalue": CsdlNavigationProperty(
        TO_DEFINITION, f"{SPACE}.environmentvariabledefinition", partner=TO_VALUES
    ),
}


class Model(CsdlAbstractEdmProvider):
    """The tables as an entity data model."""

    def get_schemas(self):
        types = [self._type(name, columns) for name, columns in TABLES.items()]
        container = CsdlEntityContainer("Container", [self._set(name) for name in TABLES])
        return [CsdlSchema(namespace=SPACE, entity_types=types, entity_container=container)]

    @staticmethod
    def _type(name, columns):
        key = next(iter(columns))
        return CsdlEntityType(
            name=name,
            key=[CsdlPropertyRef(key)],
            properties=[
                CsdlProperty(column, f"Edm.{kind}", nullable=column != key)
                for column, kind in columns.items()
            ],
            navigation_properties=[NAVIGATION[name]] if name in NAVIGATION else [],
        )

    @staticmethod
    def _set(name):
        found = NAVIGATION.get(name)
        target = found.type.removeprefix(f"{SPACE}.") + "s" if found else None
        bindings = [CsdlNavigationPropertyBinding(found.name, target)] if found else []
        return CsdlEntitySet(f"{name}s", f"{SPACE}.{name}", navigation_property_bindings=bindings)


class Tags(CustomETagSupport):
    """Every row has an entity tag."""

    def has_etag(self, entity_set_or_singleton):
        return True


class Store(InMemoryDataStore):
    """Gives GUIDs to new rows, as Dataverse does, and holds both sides of a lookup together."""

    def set_relation(self, entity_set, key, nav, targets):
        super().set_relation(entity_set, key, nav, targets)
        if nav == TO_DEFINITION and targets:
            for value in self.entities(entity_set):
                if repr(value.get_value("environmentvariablevalueid")) == key:
                    self.link(value, targets[0])

    def link(self, value, definition):
        """Ties a value to its definition in the column and in the other direction."""
        own = definition.get_value("environmentvariabledefinitionid")
        value.set_property(LOOKUP, own, ValueType.PRIMITIVE, "Edm.Guid")
        self.add_relation("environmentvariabledefinitions", repr(own), TO_VALUES, value)

    def insert_entity(self, entity_set, entity, *args, **kwargs):
        now = datetime.datetime.now(datetime.timezone.utc)
        entity.set_property(CREATED, now, ValueType.PRIMITIVE, "Edm.DateTimeOffset")
        return super().insert_entity(entity_set, entity, *args, **kwargs)

    def remove_entity(self, entity_set, entity):
        for (owner, key, nav), targets in list(self.relations.items()):
            if any(target is entity for target in targets):
                self.remove_relation(owner, key, nav, entity)
        return super().remove_entity(entity_set, entity)

    def change(self, entity_set, column, text, change):
        """Changes a row behind the back of a client; with None as the change, removes it."""
        with self.lock:
            [row] = [one for one in self.entities(entity_set) if one.get_value(column) == text]
            if change is None:
                self.remove_entity(entity_set, row)
                return
            for name, value in change.items():
                row.set_property(name, value, ValueType.PRIMITIVE, "Edm.String")
            row.etag = f'W/"{int(row.etag[3:-1]) + 1}"'


class Processor(InMemoryProcessor):
    """Makes the key of a new row."""

    def _next_key(self, entity_set):
        return entity_set.entity_type.key_predicate_names[0], uuid.uuid4()


class Front:
    """odatapy and a sandbox behind one address; `before_batch` is called before each batch."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.requests = []
        self.before_batch = lambda: None
        self.store = Store()
        self.store.declare_key_auto_generating(*(f"{name}s" for name in TABLES))
        odata = OData.new_instance(strict_deserialization=True)
        self.handler = odata.create_handler(odata.create_service_metadata(Model()))
        self.handler.register(Processor(self.store))
        self.handler.register(Tags())
        self.fill()
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                status, headers, body = front.answer(self, self.rfile.read(length))
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, body):
        """Answers by odatapy where the path names a modelled table or a batch, else by the sandbox."""
        path, _, query = request.path.partition("?")
        rest = path.removeprefix(BASE)
        first = re.match(r"\$?\w*", rest)[0]
        if path.startswith(BASE) and first in ("$batch", *(f"{name}s" for name in TABLES)):
            self.requests.append((request.command, request.path))
            if first == "$batch":
                self.before_batch()
            return self.odata(request, rest, query, body)
        return self.passed_on(request, body)

    def odata(self, request, rest, query, body):
        made = build_request(
            method=request.command,
            odata_path=urllib.parse.unquote(rest),
            query_string=plain(query) or None,
            base_uri=f"{self.url}{BASE}",
            headers=dict(request.headers.items()),
            body=body,
        )
        answer = self.handler.process(made)
        return answer.status_code, list(answer.headers.items()), answer.body_bytes()

    def passed_on(self, request, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.sandbox.port, timeout=30)
        connection.request(request.command, request.path, body or None, dict(request.headers.items()))
        answer = connection.getresponse()
        result = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return result

    def fill(self):
        """Copies the tables from the sandbox."""
        get = reader(self.sandbox.url)
        for name, columns in TABLES.items():
            rows = get(f"{name}s?$select={','.join(columns)}")["value"]
            self.store.set_entities(f"{name}s", [entity(row, columns) for row in rows])
        for value in self.store.entities("environmentvariablevalues"):
            for definition in self.store.entities("environmentvariabledefinitions"):
                if definition.get_value("environmentvariabledefinitionid") == value.get_value(LOOKUP):
                    key = repr(value.get_value("environmentvariablevalueid"))
                    self.store.set_relation("environmentvariablevalues", key, TO_DEFINITION, [definition])


# How values of these types are read from JSON.
TYPED = {"Guid": uuid.UUID, "DateTimeOffset": datetime.datetime.fromisoformat}


def entity(row, columns):
    """A row of the sandbox as an entity of odatapy."""
    made = Entity(etag='W/"1"')
    for name, kind in columns.items():
        value = row.get(name)
        typed = TYPED[kind](value) if kind in TYPED and value else value
        made.set_property(name, typed, ValueType.PRIMITIVE, f"Edm.{kind}")
    return made


def reader(url):
    """Reads the sandbox's Web API with a token of its person, who approves at once."""

    def post(path, **fields):
        data = urllib.parse.urlencode(fields).encode()
        with urllib.request.urlopen(f"{url}/{TENANT}/oauth2/v2.0/{path}", data) as answer:
            return json.load(answer)

    code = post("devicecode", client_id=CLIENT, scope=f"{url}/.default")["device_code"]
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    token = post("token", client_id=CLIENT, grant_type=grant, device_code=code)["access_token"]

    def get(path):
        asked = urllib.request.Request(f"{url}{BASE}{path}")
        asked.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)

    return get


def plain(query):
    """Puts Dataverse's own `In` into the words of OData 4.01, which has `in`; its two aliases go with it."""
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    named = {urllib.parse.unquote(name): urllib.parse.unquote(value) for name, value in pairs}
    if not IN.search(named.get("$filter", "")):
        return query
    name, values = named.pop("@p1").strip("'"), json.loads(named.pop("@p2"))
    guids = name.endswith("id")
    words = (value if guids else "'" + value.replace("'", "''") + "'" for value in values)
    named["$filter"] = IN.sub(lambda _: f"{name} in ({','.join(words)})", named["$filter"])
    return urllib.parse.urlencode(named, quote_via=urllib.parse.quote)
