#!/usr/bin/python3
"""BMCs that behave: the Redfish documents of a GB300 tray (data/redfish-gb300), served live.

usage: redfish.py DOCUMENTS.tar.gz [--count N] [--user U --password P] [--cert PEM --key PEM]
                  [--delay SECONDS] [--plain-collections]

Serves N BMCs on 127.0.0.1, each on a port of its own, and prints {"ports": [...]} when it listens.
Beyond the documents: sensors move, PowerState follows ComputerSystem.Reset with a delay, event logs
grow, sessions and Basic authentication are asked for, collections expand and can be skipped into.
Two power supplies, the reset's ActionInfo and the logs are made here: the documents have none.

POST /standin (no login) changes a BMC while it runs:
  {"set": {"path": "/redfish/v1/...", "value": {...}}}  merges value into the document
  {"log": {"Severity": "Critical", "Message": "...", "MessageId": "..."}}  adds an entry
  {"clear": true} empties the log    {"hang": S} answers nothing for S seconds
  {"status": 500} answers everything so    {"sessions": "drop"} forgets all tokens
GET /standin answers {"requests": N, "resets": [...], "sessions": N, "basic": N}.
"""
import argparse
import base64
import copy
import datetime
import http.server
import json
import math
import secrets
import ssl
import sys
import tarfile
import threading
import time
import urllib.parse

SYSTEM = "/redfish/v1/Systems/System_0"
LOG = SYSTEM + "/LogServices/EventLog"
SUPPLIES = "/redfish/v1/Chassis/PDB_0/PowerSubsystem/PowerSupplies"
RESETS = ["On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "PowerCycle"]


def load(path):
    documents = {}
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile():
                document = json.load(tar.extractfile(member))
                if isinstance(document, dict) and "@odata.id" in document:
                    documents[document["@odata.id"].rstrip("/")] = document
    add_made(documents)
    return documents


def supply(number):
    path = f"{SUPPLIES}/PSU_{number}"
    return {"@odata.id": path, "@odata.type": "#PowerSupply.v1_5_0.PowerSupply",
            "Id": f"PSU_{number}", "Name": f"Power Supply {number}", "Model": "made-by-the-standin",
            "SerialNumber": f"STANDIN{number:04}", "FirmwareVersion": "1.0",
            "Status": {"State": "Enabled", "Health": "OK"}}


def add_made(documents):
    members = []
    for number in range(2):
        document = supply(number)
        documents[document["@odata.id"]] = document
        members.append({"@odata.id": document["@odata.id"]})
    documents[SUPPLIES] = {"@odata.id": SUPPLIES, "Name": "Power Supply Collection",
                           "@odata.type": "#PowerSupplyCollection.PowerSupplyCollection",
                           "Members": members, "Members@odata.count": len(members)}
    info = documents[SYSTEM]["Actions"]["#ComputerSystem.Reset"]["@Redfish.ActionInfo"]
    documents[info] = {"@odata.id": info, "@odata.type": "#ActionInfo.v1_1_2.ActionInfo",
                       "Id": "ResetActionInfo", "Name": "Reset Action Info",
                       "Parameters": [{"Name": "ResetType", "Required": True, "DataType": "String",
                                       "AllowableValues": RESETS}]}
    documents[SYSTEM + "/LogServices"]["Members"] = [{"@odata.id": LOG}]
    documents[SYSTEM + "/LogServices"]["Members@odata.count"] = 1
    documents[LOG] = {"@odata.id": LOG, "@odata.type": "#LogService.v1_2_0.LogService",
                      "Id": "EventLog", "Name": "Event Log Service", "ServiceEnabled": True,
                      "Entries": {"@odata.id": LOG + "/Entries"}}


def merge(document, value):
    for key, item in value.items():
        if isinstance(item, dict) and isinstance(document.get(key), dict):
            merge(document[key], item)
        else:
            document[key] = item


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


class Bmc:
    """One BMC: what differs from the shared documents, its power, its log, who is logged in."""

    def __init__(self, documents, options, number):
        self.documents, self.options, self.number = documents, options, number
        self.lock = threading.Lock()
        self.changed, self.entries, self.tokens = {}, [], set()
        self.power, self.steps, self.reset_time = "On", [], "2026-04-14T23:34:33+00:00"
        self.next_entry = 1
        self.hang_until, self.status = 0.0, None
        self.seen = {"requests": 0, "resets": [], "sessions": 0, "basic": 0}
        self.started = time.monotonic()
        self.add_entry({"Severity": "OK", "Message": "System powered on.",
                        "MessageId": "OpenBMC.0.1.DCPowerOn"})

    # ---- power -------------------------------------------------------------------------------

    def move(self):
        while self.steps and time.monotonic() >= self.steps[0][0]:
            self.power = self.steps.pop(0)[1]
            if self.power == "On":
                self.reset_time = now()

    def reset(self, kind):
        delay, at = self.options.delay, time.monotonic()
        down, up = [(at, "PoweringOff"), (at + delay, "Off")], [(0, "PoweringOn"), (delay, "On")]
        self.seen["resets"].append(kind)
        if kind in ("ForceOff", "GracefulShutdown"):
            self.steps = down
        elif kind == "On":
            self.steps = [(at + wait, state) for wait, state in up] if self.power == "Off" else []
        else:
            self.steps = down + [(at + 2 * delay + wait, state) for wait, state in up]
        self.add_entry({"Severity": "OK", "Message": f"Reset of type {kind} was asked for.",
                        "MessageId": "OpenBMC.0.1.PowerButton"})

    # ---- logs --------------------------------------------------------------------------------

    def add_entry(self, entry):
        number = self.next_entry
        self.next_entry += 1
        self.entries.append({"@odata.id": f"{LOG}/Entries/{number}", "Id": str(number),
                             "@odata.type": "#LogEntry.v1_9_0.LogEntry", "EntryType": "Event",
                             "Name": "System Event Log Entry", "Created": now(), **entry})

    def log_document(self, query):
        skip = int(query.get("$skip", ["0"])[0])
        top = int(query.get("$top", ["1000"])[0])
        members = self.entries[skip:skip + top]
        document = {"@odata.id": LOG + "/Entries", "Name": "System Event Log Entries",
                    "@odata.type": "#LogEntryCollection.LogEntryCollection",
                    "Members": members, "Members@odata.count": len(self.entries)}
        if skip + top < len(self.entries):
            document["Members@odata.nextLink"] = f"{LOG}/Entries?$skip={skip + top}"
        return document

    # ---- documents ---------------------------------------------------------------------------

    def moved(self, path, value):
        """A reading as it wanders: a slow wave of 2 %, another phase for each sensor."""
        phase = sum(path.encode()) % 628 / 100
        wave = math.sin((time.monotonic() - self.started) / 7 + phase + self.number)
        return round(value * (1 + 0.02 * wave), 6)

    def resource(self, path):
        document = self.changed.get(path) or self.documents.get(path)
        if document is None:
            return None
        document = copy.deepcopy(document)
        if path == SYSTEM:
            document["PowerState"], document["LastResetTime"] = self.power, self.reset_time
        kind = document.get("@odata.type", "")
        if kind.startswith("#Sensor.") and isinstance(document.get("Reading"), (int, float)) \
                and path not in self.changed:
            document["Reading"] = self.moved(path, document["Reading"])
        if kind.startswith("#MetricReport."):
            for value in document["MetricValues"]:
                sensor = self.resource(value["MetricProperty"].split("#")[0])
                if sensor and isinstance(sensor.get("Reading"), (int, float)):
                    value["MetricValue"] = f"{sensor['Reading']:f}"
        return document

    def document(self, path, query):
        if path == LOG + "/Entries":
            return self.log_document(query)
        document = self.resource(path)
        if document is None and path == "/redfish":
            return {"v1": "/redfish/v1/"}
        if document is None:
            return None
        if path == "/redfish/v1" and self.options.plain_collections:
            document["ProtocolFeaturesSupported"]["ExpandQuery"]["NoLinks"] = False
        if "$expand" in query and "Members" in document:
            document["Members"] = [self.resource(m["@odata.id"].rstrip("/")) or m
                                   for m in document["Members"]]
        return document

    def command(self, order):
        if "set" in order:
            path = order["set"]["path"]
            self.changed.setdefault(path, copy.deepcopy(self.documents[path]))
            merge(self.changed[path], order["set"]["value"])
        if "log" in order:
            self.add_entry(order["log"])
        if order.get("clear"):
            self.entries, self.next_entry = [], 1
        if "hang" in order:
            self.hang_until = time.monotonic() + order["hang"]
        if "status" in order:
            self.status = order["status"]
        if order.get("sessions") == "drop":
            self.tokens.clear()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bmc = None  # set in a subclass, one a BMC

    def log_message(self, *_):
        pass

    def answer(self, status, document=None, headers=()):
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return json.loads(text) if text else {}

    def allowed(self):
        options, bmc = self.bmc.options, self.bmc
        if options.user is None or self.headers.get("X-Auth-Token") in bmc.tokens:
            return True
        word = self.headers.get("Authorization", "")
        right = base64.b64encode(f"{options.user}:{options.password}".encode()).decode()
        if word == "Basic " + right:
            bmc.seen["basic"] += 1
            return True
        return False

    def begin(self):
        """The path and its query; None when it was answered already."""
        url = urllib.parse.urlsplit(self.path)
        path = url.path.rstrip("/") or "/"
        if path == "/standin":
            return path, {}
        while time.monotonic() < self.bmc.hang_until:
            time.sleep(0.05)
        with self.bmc.lock:
            self.bmc.seen["requests"] += 1
        if self.bmc.status is not None:
            self.answer(self.bmc.status, {"error": {"message": "the stand-in was told to"}})
            return None
        return path, urllib.parse.parse_qs(url.query)

    def do_GET(self):
        begun = self.begin()
        if begun is None:
            return
        path, query = begun
        with self.bmc.lock:
            self.bmc.move()
            if path == "/standin":
                self.answer(200, {**self.bmc.seen, "tokens": len(self.bmc.tokens)})
                return
            if path not in ("/redfish", "/redfish/v1") and not self.allowed():
                self.answer(401, {"error": {"code": "Base.1.0.NoValidSession"}})
                return
            document = self.bmc.document(path, query)
        if document is None:
            self.answer(404, {"error": {"code": "Base.1.0.ResourceMissingAtURI"}})
        else:
            self.answer(200, document)

    def do_POST(self):
        order = self.body()
        begun = self.begin()
        if begun is None:
            return
        path, _ = begun
        with self.bmc.lock:
            self.bmc.move()
            if path == "/standin":
                self.bmc.command(order)
                self.answer(204)
            elif path == "/redfish/v1/SessionService/Sessions":
                self.log_in(order)
            elif not self.allowed():
                self.answer(401, {"error": {"code": "Base.1.0.NoValidSession"}})
            elif path == SYSTEM + "/Actions/ComputerSystem.Reset":
                if order.get("ResetType") not in RESETS:
                    self.answer(400, {"error": {"code": "Base.1.0.ActionParameterNotSupported"}})
                else:
                    self.bmc.reset(order["ResetType"])
                    self.answer(204)
            else:
                self.answer(405, {"error": {"code": "Base.1.0.OperationNotAllowed"}})

    def log_in(self, order):
        options, bmc = self.bmc.options, self.bmc
        if options.no_sessions:
            self.answer(405, {"error": {"code": "Base.1.0.OperationNotAllowed"}})
        elif (order.get("UserName"), order.get("Password")) != (options.user, options.password):
            self.answer(401, {"error": {"code": "Base.1.0.ResourceAtUriUnauthorized"}})
        else:
            token = secrets.token_hex(16)
            bmc.tokens.add(token)
            bmc.seen["sessions"] += 1
            path = f"/redfish/v1/SessionService/Sessions/{token[:8]}"
            self.answer(201, {"@odata.id": path, "@odata.type": "#Session.v1_3_0.Session"},
                        [("X-Auth-Token", token), ("Location", path)])

    def do_DELETE(self):
        with self.bmc.lock:
            self.bmc.tokens.discard(self.headers.get("X-Auth-Token"))
        self.answer(204)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that went away in the middle is what these tests do."""


def serve(documents, options, number):
    bmc = Bmc(documents, options, number)
    server = Server(("127.0.0.1", 0), type("Handler", (Handler,), {"bmc": bmc}))
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("documents")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--delay", type=float, default=0.5)
    parser.add_argument("--plain-collections", action="store_true")
    parser.add_argument("--no-sessions", action="store_true")
    options = parser.parse_args()
    documents = load(options.documents)
    ports = [serve(documents, options, number) for number in range(options.count)]
    print(json.dumps({"ports": ports}), flush=True)
    sys.stdin.read()  # until whoever started it closes its end


if __name__ == "__main__":
    main()
