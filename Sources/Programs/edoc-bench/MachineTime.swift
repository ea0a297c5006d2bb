// MachineTime: what the whole machine worked between two moments, so that a figure says how much of it others used: processor time
// of all that ran, as the kernel counts it, less that of the processes that are known. Time that the hypervisor gave to other
// machines counts as others', too. To a hundredth of a second.

import Glibc

struct MachineTime: Sendable {
    private var busy = 0.0
    private var stolen = 0.0
    private let start = Instant.now()

    init() {
        let line = SmallFile.text("/proc/stat").split(separator: "\n").first { $0.hasPrefix("cpu ") }
        let fields = (line ?? "").split(separator: " ").dropFirst().map { Double($0) ?? 0 }
        guard fields.count >= 8 else { return }
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are within user.
        busy = (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / tick
        stolen = fields[7] / tick
    }

    /// Of all the processor time there was until a later moment: what others had, when the known ones had `own` seconds.
    func shareOfOthers(until later: MachineTime, own: Double) -> Double {
        let cores = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let seconds = Instant.seconds(since: start, until: later.start)
        let others = later.busy - busy - own + later.stolen - stolen
        return seconds > 0 ? max(others, 0) / (seconds * cores) : 0
    }
}
