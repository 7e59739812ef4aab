"""Kills a process at its n-th stop at a system call (on the way in or out), by ptrace(2)."""
import ctypes, os, signal, threading

ATTACH, DETACH, SYSCALL, SETOPTIONS, TRACESYSGOOD = 16, 17, 24, 0x4200, 1
WALL = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, pid, data=0):
    if libc.ptrace(request, pid, None, data) < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"ptrace: {os.strerror(errno)}")


class Killer:
    """Watches `pid` from now on; at stop number `at` (0: never) it is killed.  `stops` counts."""

    def __init__(self, pid, at=0):
        self.pid, self.at, self.stops, self.error, self.ending = pid, at, 0, None, False
        self.attached = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.attached.wait(10)
        if self.error:
            raise self.error

    def run(self):
        try:
            ptrace(ATTACH, self.pid)
            os.waitpid(self.pid, WALL)
            ptrace(SETOPTIONS, self.pid, TRACESYSGOOD)
            ptrace(SYSCALL, self.pid)
        except OSError as e:
            self.error = e
            self.attached.set()
            return
        self.attached.set()
        while True:
            _, status = os.waitpid(self.pid, WALL)
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                return
            which = os.WSTOPSIG(status)
            if self.ending and which == signal.SIGSTOP:
                ptrace(DETACH, self.pid)
                return
            if which == signal.SIGTRAP | 0x80:
                self.stops += 1
                if self.stops == self.at:
                    os.kill(self.pid, signal.SIGKILL)
                    continue
                which = 0
            ptrace(SYSCALL, self.pid, which)

    def end(self):
        """Stops watching; how many stops there were."""
        stops = self.stops
        self.ending = True
        if self.thread.is_alive():
            try:
                os.kill(self.pid, signal.SIGSTOP)
            except OSError:
                pass
        self.thread.join(20)
        try:  # when a thread that is not watched took the SIGSTOP, all of the process stands still
            os.kill(self.pid, signal.SIGCONT)
        except OSError:
            pass
        return stops
