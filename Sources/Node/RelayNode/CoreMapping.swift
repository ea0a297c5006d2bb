// CoreMapping: from what the operator wrote to what the decisions need. Pure; no defaults of its own.

import RelayConfiguration
import RelayCore
import RelayModel
import RelayRouting
import RelayStore

extension CoreConfiguration {
    /// The core's view of a loaded configuration.
    public init(_ configuration: Configuration) {
        let settings = configuration.settings
        let peers = settings.peers.map { peer in
            var mapped = Peer(
                node: peer.node, dials: peer.dial, isEdoc: peer.edoc, takesFragments: peer.fragments,
                rights: peer.rights, quota: Quota(bytes: peer.quotaBytes, count: peer.quotaEnvelopes),
                address: peer.address.map { "\($0.host):\($0.port)" } ?? "",
                hasUrgentSession: peer.urgentSession)
            // Version 0.4 keeps the old behaviour where nothing is said, and warns of it (PreparedNode).
            mapped.allowsForeign = peer.foreign ?? true
            return mapped
        }
        self.init(
            node: settings.node, directory: configuration.directory, routes: configuration.routes, peers: peers,
            limits: CoreLimits(settings))
        transit = configuration.transit
        spools = settings.spools.map { spool in
            Spool(
                agency: spool.agency, directory: spool.directory, reserveBytes: spool.reserve,
                atOnce: Int(clamping: spool.atOnce), mode: spool.mode, group: spool.group ?? "",
                patience: spool.answerWithin, hasSidecar: spool.sidecar)
        }
    }
}

extension CoreLimits {
    init(_ settings: NodeConfiguration) {
        self.init()
        lifetimeDefault = settings.limits.lifetimeDefault
        lifetimeMax = settings.limits.lifetimeMax
        documentBytesMax = settings.limits.documentMax
        hopLimit = settings.limits.hopsMax
        activeMax = Int(clamping: settings.limits.activeMax)
        windowBytes = settings.session.windowBytes
        windowTransfers = Int(clamping: settings.session.windowTransfers)
        dialBackoffMin = settings.retry.dialBackoffMin
        dialBackoffMax = settings.retry.dialBackoffMax
        envelopeBackoffMin = settings.retry.envelopeBackoffMin
        envelopeBackoffMax = settings.retry.envelopeBackoffMax
        pauseMin = settings.retry.pauseMin
        pauseMax = settings.retry.pauseMax
        refusalGrace = settings.retry.refusalGrace
        inDoubtWait = settings.retry.inDoubtWait
        inDoubtWaitUrgent = settings.retry.inDoubtWaitUrgent
        failoverWait = settings.retry.failoverWait
        transitMemory = settings.store.transitMemory
        historyMemory = settings.store.historyMemory
        historyPercent = settings.store.historyPercent
        dedupMemory = settings.store.dedupMemory
        verifyEvery = settings.store.verifyEvery
        verifyRate = settings.store.verifyRate
        reportGather = settings.report.gather
        statusReports = settings.report.statusReports
        reportRowsMax = Int(clamping: settings.report.rows)
        delayAfter = settings.report.delayAfter
        delayAfterUrgent = settings.report.delayAfterUrgent
        undoWindow = settings.control.undoWindow
        headerBytesMax = settings.limits.headerMax
        recipientsMax = Int(clamping: settings.limits.recipientsMax)
        incomingWait = settings.limits.incomingWait
        recordLifetimeMax = settings.limits.recordLifetime
        recordQuota = Quota(bytes: settings.quotas.recordBytes, count: settings.quotas.recordEnvelopes)
        senderQuota = Quota(bytes: settings.quotas.senderBytes, count: settings.quotas.senderEnvelopes)
    }
}

extension StoreSettings {
    init(_ settings: NodeConfiguration) {
        self.init(node: settings.node.text)
        mapBytes = settings.store.mapSize
        growthBytes = settings.store.growthStep
        // More than all that read at a time: control threads, event loops, the verifier, the writer's own looks.
        readers = 16
        reserveBytes = max(settings.store.mapSize / 100 * settings.store.reservePercent, settings.store.reserveMin)
    }
}
