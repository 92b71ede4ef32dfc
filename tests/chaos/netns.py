"""A network namespace with one cable to this machine, which can be cut in each direction.

Needs root and the kernel's veth; make() gives None where that is not allowed. A cut is a route that swallows
packets: nobody gets an error, bytes just do not arrive, which is what a broken switch looks like.
"""
import os
import random
import subprocess


def ip(*args, check=True):
    return subprocess.run(["ip", *args], check=check, capture_output=True, text=True)


class Namespace:
    def __init__(self):
        tag = f"{os.getpid() % 10000:04}{random.SystemRandom().randrange(100):02}"
        self.name, self.near, self.far = f"qchaos{tag}", f"qc{tag}a", f"qc{tag}b"
        net = random.SystemRandom().randrange(64 * 256)
        base = f"100.{64 + net // 256}.{net % 256}"  # RFC 6598: shared address space, nobody's own network
        self.host_ip, self.worker_ip = f"{base}.1", f"{base}.2"

    @classmethod
    def make(cls):
        """A namespace with its cable, or None."""
        self = cls()
        if os.getuid() != 0:
            return None
        try:
            ip("netns", "add", self.name)
            ip("link", "add", self.near, "type", "veth", "peer", "name", self.far)
            ip("link", "set", self.far, "netns", self.name)
            ip("addr", "add", f"{self.host_ip}/30", "dev", self.near)
            ip("link", "set", self.near, "up")
            self.inside("addr", "add", f"{self.worker_ip}/30", "dev", self.far)
            self.inside("link", "set", self.far, "up")
            self.inside("link", "set", "lo", "up")
            return self
        except (OSError, subprocess.CalledProcessError):
            self.close()
            return None

    def inside(self, *args, check=True):
        return ip("-n", self.name, *args, check=check)

    def cut(self, direction="both"):
        """"up": nothing from the namespace arrives; "down": nothing into it; "both"."""
        if direction in ("up", "both"):
            self.inside("route", "add", "blackhole", f"{self.host_ip}/32")
        if direction in ("down", "both"):
            ip("route", "add", "blackhole", f"{self.worker_ip}/32")

    def mend(self):
        self.inside("route", "del", "blackhole", f"{self.host_ip}/32", check=False)
        ip("route", "del", "blackhole", f"{self.worker_ip}/32", check=False)

    def answers(self):
        """Does a packet come through, and its answer back? Asked by a connection that nobody listens to."""
        probe = ("import socket\n"
                 "try:\n socket.create_connection(('%s', 9), 1)\n"
                 "except ConnectionRefusedError:\n print('refused')\nexcept OSError:\n pass" % self.host_ip)
        done = subprocess.run(["ip", "netns", "exec", self.name, "/usr/bin/python3", "-c", probe],
                              capture_output=True, text=True, timeout=10)
        return "refused" in done.stdout

    def close(self):
        try:
            self.mend()
            ip("link", "del", self.near, check=False)
            ip("netns", "del", self.name, check=False)
        except OSError:
            pass
