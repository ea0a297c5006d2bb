// NodeControl, the bounds of the process: sessions, their memory, local sockets, descriptors, log lines. docs/limits.md, "Process and sockets",
// says of each whose share it is and what lets it go.

import Journal
import Monotonic
import RelayCore
import RelayEngine
import RelayLink
import RelayModel
import RelayRows
import RelayStore

extension NodeControl {
    func bounds() async throws -> [LimitView] {
        let gauge = engine.gauge
        return [
            LimitView(
                "bytes received, not yet durable", "limits.staged_max", .bytes, UInt64(gauge.highWater),
                used: UInt64(max(gauge.bytes, 0)), binds: gauge.isHigh,
                effect: "links and submitters are not read until half of it is durable")
        ] + sessionBounds + localBounds + processBounds + [
            LimitView(
                "bytes of one batch", "built in", .bytes, BatchLimits.bytes, used: nil,
                effect: "the next transaction takes the rest")
        ]
    }

    /// The bounds of the process that bind at this moment.
    var boundFindings: [Finding] {
        (sessionBounds + localBounds + processBounds).filter(\.binds).map { bound in
            Finding(
                .warning, .boundReached, subject: bound.name,
                "the bound of \(bound.name) is reached: \(bound.effect)")
        }
    }

    private var sessionBounds: [LimitView] {
        let shares = links.shares
        func bytes(_ count: Int) -> UInt64 { UInt64(max(count, 0)) }
        return [
            LimitView(
                "sessions that others opened", "session.sessions_max", .count, UInt64(shares.sessionsMax),
                used: UInt64(shares.sessions), binds: shares.sessions >= shares.sessionsMax,
                effect: "further sessions of a peer that has one are refused"),
            LimitView(
                "sessions of one peer", "session.sessions_per_peer", .count, UInt64(shares.sessionsPerPeer),
                used: UInt64(shares.mostOfOnePeer), binds: shares.mostOfOnePeer >= shares.sessionsPerPeer,
                effect: "further sessions of that peer are refused"),
            LimitView(
                "connections of strangers", "session.strangers_max", .count, UInt64(shares.strangersMax),
                used: UInt64(shares.strangers), binds: shares.strangers >= shares.strangersMax,
                effect: "the address that holds most loses its oldest"),
            LimitView(
                "memory that sessions hold", "session.memory_max", .bytes, bytes(shares.heldBytesMax),
                used: bytes(shares.heldBytes), binds: shares.heldBytes >= shares.heldBytesMax,
                effect: "the session of the peer that holds most is ended"),
            LimitView(
                "memory that sessions of one peer hold", "session.memory_max", .bytes,
                bytes(shares.heldBytesMax / LinkShares.ownersPart), used: bytes(shares.mostBytesOfOne),
                binds: shares.mostBytesOfOne >= shares.heldBytesMax / LinkShares.ownersPart,
                effect: "the session that asks for more is ended"),
        ]
    }

    private var localBounds: [LimitView] {
        places.flatMap { name, places in
            let picture = places.picture
            return [
                LimitView(
                    "\(name) connections", "built in", .count, UInt64(picture.total), used: UInt64(picture.count),
                    binds: picture.count >= picture.total, effect: "further connections are closed"),
                LimitView(
                    "\(name) connections of one user", "control.connections_per_user", .count,
                    UInt64(picture.perUser), used: UInt64(picture.mostOfOne),
                    binds: picture.mostOfOne >= picture.perUser, effect: "further connections of that user are closed"),
            ]
        }
    }

    private var processBounds: [LimitView] {
        let now = MonotonicClock.milliseconds
        let (files, filesMax) = (UInt64(OpenFiles.count), OpenFiles.limit)
        return [
            LimitView(
                "descriptors of the process", "LimitNOFILE", .count, filesMax, used: files,
                binds: files.addingReportingOverflow(8).partialValue >= filesMax,
                effect: "connections wait until one is free"),
            LimitView(
                "log lines of one kind and owner in 10 min", "built in", .count, UInt64(LogThinning.ownerMax),
                used: nil, binds: log.thinning.dropped(now: now).lately,
                effect: "further lines are counted, and said with the next"),
            LimitView(
                "bytes of log lines that nobody has read", "built in", .bytes, UInt64(LogPipe.waitingBytesMax),
                used: nil, binds: StandardErrorLog.pipe.lostCount > 0, effect: "further lines are dropped and counted"),
        ]
    }
}
