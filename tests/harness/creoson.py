"""A small server that speaks CREOSON's JSON (SimplifiedLogic/creoson, jsonSpecs): one POST endpoint, sessions, and
for each model answers by "command/function". Not CREOSON: its models are what a test gives it."""

import http.server
import json
import threading


class Creoson:
    """`models`: {"wheel.prt": {"parameter/list": {…data…}, …}}. A context manager; `address` is for --creo."""

    def __init__(self, models):
        self.models = models
        self.sessions = set()
        self.asked = []
        self.requests = {}  # the last `data` by "command/function"
        self.lock = threading.Lock()
        self.spoil = None  # called with (command, function), may return bytes to send instead
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = owner.spoil and owner.spoil(request["command"], request["function"])
                body = body or json.dumps(owner.answer(request)).encode()
                self.send_response(200 if self.path == "/creoson" else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"creoson+http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()

    def forget_sessions(self):
        with self.lock:
            self.sessions.clear()

    def answer(self, request):
        def refuse(message):
            return {"status": {"error": True, "message": message}}
        command, function = request["command"], request["function"]
        data = request.get("data") or {}
        with self.lock:
            self.asked.append(f"{command}/{function}")
            self.requests[f"{command}/{function}"] = data
            if (command, function) == ("connection", "connect"):
                session = f"s{len(self.asked)}"
                self.sessions.add(session)
                return {"status": {"error": False}, "sessionId": session}
            if request.get("sessionId") not in self.sessions:
                return refuse("No session found, please connect first")
        name = data.get("file") or data.get("drawing")
        model = self.models.get(name)
        if model is None:
            return refuse(f"File {name} was not found in the current directory")
        if (command, function) == ("file", "open"):
            return {"status": {"error": False}, "data": {"dirname": "C:/models", "files": [name], "revision": 1}}
        if (command, function) == ("file", "erase"):
            return {"status": {"error": False}}
        found = model.get(f"{command}/{function}")
        return {"status": {"error": False}, "data": found} if found is not None else refuse(f"Not for this model")
