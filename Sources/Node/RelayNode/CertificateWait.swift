// CertificateWait: the start of a node whose own certificate has ended by a clock that no service keeps in step: a machine that boots with
// its clock ahead. It looks again every few seconds, so that a clock that is mended, or another certificate, lets the node start; the
// service manager is told to wait meanwhile. Before anything else is opened. Fails when something else is wrong.

import Glibc
import RelayConfiguration

public enum CertificateWait {
    private static let pause = Duration.seconds(2)

    /// `say`: told once.
    public static func until(path: String, say: (String) -> Void) async throws(PreparationFailure) -> PreparedNode {
        let manager = getenv("NOTIFY_SOCKET").map { String(cString: $0) }
        let notifier = SystemdNotifier(environment: manager.map { ["NOTIFY_SOCKET": $0] } ?? [:])
        say("the clock may be ahead, and no time service keeps it: this node starts when its certificate is valid")
        while true {
            notifier.waiting("the certificate has ended by the clock; waiting for the one or the other")
            try? await Task.sleep(for: pause)
            do throws(PreparationFailure) {
                return try PreparedNode(path: path)
            } catch {
                guard error.mayPass else { throw error }
            }
        }
    }
}

/// The limit of the process.
public enum DescriptorLimit {
    /// As many descriptors as the process may allow itself.
    public static func raise() { DescriptorShares.raiseLimit() }
}
