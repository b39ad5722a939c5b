"""A copy of some of the API server's collections, kept up to date by watches."""

import http.client
import json
import sys
import threading
import time
from collections.abc import Mapping, Sequence

from cluster_harness.api import Api, Object
from cluster_harness.errors import RefusalError

WATCH_S = 240
PAUSE_S = 0.5  # between a watch that failed and the next try


class Mirror:
    """The objects at some paths; `changed` is set whenever one of them is another."""

    def __init__(self, api: Api, paths: Sequence[str]) -> None:
        self.changed = threading.Event()
        self._api = api
        self._lock = threading.Lock()
        self._objects: dict[str, dict[str, Object]] = {}
        self._threads = [threading.Thread(target=self._follow, args=(path,), daemon=True) for path in paths]

    def start(self) -> None:
        """Begin to follow."""
        for thread in self._threads:
            thread.start()

    def snapshot(self) -> Mapping[str, Sequence[Object]] | None:
        """All objects by path, or None while a path has not been listed yet."""
        with self._lock:
            if len(self._objects) < len(self._threads):
                return None
            return {path: list(objects.values()) for path, objects in self._objects.items()}

    def _follow(self, path: str) -> None:
        version = said = ""
        while True:
            try:
                version = version or self._list(path)
                version = self._watch(path, version)
            except (RefusalError, OSError, http.client.HTTPException, json.JSONDecodeError) as error:
                # whatever it was, the list after the pause puts it right
                if said != str(error):
                    said = str(error)
                    sys.stdout.write(f"{path}: {said}\n")
                    sys.stdout.flush()
                version = ""
                time.sleep(PAUSE_S)

    def _list(self, path: str) -> str:
        found = self._api.get(path)
        with self._lock:
            self._objects[path] = {item["metadata"]["uid"]: item for item in found["items"]}
        self.changed.set()
        return str(found["metadata"]["resourceVersion"])

    def _watch(self, path: str, version: str) -> str:
        """Follow one watch to its end; the version to go on from, or "" to list anew."""
        for event in self._api.watch(path, version, WATCH_S):
            item = event["object"]
            if event["type"] == "ERROR":
                return ""
            version = item["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self._note(path, event["type"], item)
        return version

    def _note(self, path: str, kind: str, item: Object) -> None:
        with self._lock:
            if kind == "DELETED":
                self._objects[path].pop(item["metadata"]["uid"], None)
            else:
                self._objects[path][item["metadata"]["uid"]] = item
        self.changed.set()
