// EarlySignals: SIGHUP that came before the daemon waited for it. Any thread; cannot fail.

import CLinux

enum EarlySignals {
    /// Whether one came since the last call.
    static func takeHangup() -> Bool { clinux_take_hangup() != 0 }
}
