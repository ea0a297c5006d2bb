// EventKind: what an operator-visible log entry is about, as a word and as a MESSAGE_ID that stays the same for ever, so that a monitor can
// wait for one by `journalctl MESSAGE_ID=…`. docs/log-events.md says of each what it means and what to do; a test compares. A value;
// cannot fail.

/// The kind of a log entry. A kind is added, never renamed and never used for something else.
public enum EventKind: String, Sendable, CaseIterable {
    /// The daemon takes envelopes.
    case started
    /// The daemon was told to stop and finishes what is on the links.
    case stopping
    /// The daemon has stopped in order.
    case stopped
    /// A reload was applied; the lines say what changed.
    case configurationChanged
    /// A reload was refused, or its files are wrong. The old configuration stays in force.
    case configurationRefused
    /// Something in the files weakens the node.
    case configurationWarning
    /// The first session with a peer is there.
    case linkUp
    /// The last session with a peer is gone. What lies its way waits, or takes the next route after retry.failover_wait.
    case linkDown
    /// A dial failed for a new reason.
    case peerUnreachable
    /// A peer has no room and is left alone for a while.
    case peerPaused
    /// Somebody connected and was not accepted: no TLS, a certificate that is not trusted, another node's name.
    case contactFailed
    /// A connection was closed because session.sessions_max are open.
    case sessionsExhausted
    /// A peer broke a rule of TCPCL or did not understand a message.
    case protocolViolated
    /// A bundle of a peer was refused as malformed or unacceptable. At most 32 of a session are named.
    case bundleRefused
    /// One envelope ID came with two contents. The second was refused.
    case contentDiffers
    /// A peer sent report rows that it may not send, or that do not fit.
    case reportsDisbelieved
    /// A home says that a document has arrived, and another node that it was not delivered. The arrival counts.
    case reportsContradict
    /// There is no route to the node that waits for reports; they are kept.
    case reportsUnroutable
    /// Every next hop refuses an envelope. It is tried again for retry.refusal_grace, then it ends as refused.
    case refusedEverywhere
    /// A document does not match its digest. It is not delivered.
    case digestMismatch
    /// The payload of an envelope cannot be read from the store.
    case payloadUnreadable
    /// No header can be made for the next hop: the stored one is damaged or the hops are used up.
    case headerUnmakeable
    /// A record of the store does not check. It was set aside and its count is kept.
    case recordCorrupt
    /// An envelope was in hand at two crashes running and is held.
    case suspectHeld
    /// The wall clock is not believed. Expiry is suspended.
    case clockDoubted
    /// The clock is believed again, or was stepped back in place.
    case clockBelieved
    /// The clock of a source and this node's differ by more than 5 min.
    case clockDiffers
    /// Waiting copies have been re-routed after a reload.
    case routesChanged
    /// A commit found no room. All sessions were ended and the engine started anew; nothing that was promised is lost.
    case storeFull
    /// The store cannot be used any more; the daemon ends with code 70.
    case storeFailed
    /// Somebody asked the control interface for what the rights table does not allow.
    case callDenied
    /// A document that was handed in was refused.
    case submissionRefused
    /// A person or program with the right to act has done something.
    case deedDone
    /// The head of the operator log's chain, every minute: the copy outside of the store.
    case operatorLogHead
    /// A spool takes no documents; it is tried again.
    case spoolTroubled
    /// A spool takes documents again.
    case spoolResumed
    /// A document could not be handed over and was set aside.
    case spoolSetAside
    /// A record of an operator's job cannot be read. The job ends, or stays where it is; no envelope is touched.
    case jobUnreadable
    /// The store is full and operators' jobs wait for room.
    case jobsWaiting
    /// The store was restored from a copy: what waited in it is held.
    case storeRestored
    /// Documents were in the restored copy in part, and ended.
    case restoredInPart
    /// What was held since the restore has been released.
    case restoreReleased
    /// An operator has made a new envelope of an expired one; the line names it.
    case resubmitted
    /// The queues are empty after a drain and the daemon exits.
    case drained
    /// A log level that was lent has gone back.
    case logLevelReturned
    /// A client that did not read its answers, or did not send what it had announced, was dropped.
    case clientDropped
    /// Log entries could not be written and are missing before this one.
    case logLost
    /// The address of metrics.listen cannot be opened; it is tried again. The relay goes on.
    case metricsTroubled
    /// Figures are served at metrics.listen, which could not be opened before.
    case metricsResumed
    /// This node has gone back to an earlier state, or has a double: numbers that it gave are known to be of others. A new incarnation has begun.
    case numbersGivenTwice
    /// A copy goes back along its path, because another document is known at its home under its number.
    case copyReturned
    /// An envelope of this node is sent again under a new name; the line names it.
    case envelopeRenamed
    /// Two daemons with one identity have been found. The second was not let in.
    case identityTwice
    /// A document that was handed in here has ended badly for a recipient: refused, expired or deleted.
    case documentEndedBadly
    /// A document that was handed in here is late for a recipient.
    case documentLate
    /// Bundles of a peer are refused by a rule of this node; the line names envelope, sender and rule.
    case peerRefused
    /// A node on the way refuses documents that were handed in here, or that came through here, and says why.
    case refusedDownstream
    /// The store's books and indexes were compared with its rows, or damage was found and mended.
    case storeReckoned
    /// The store has free pages that do not lie together: a batch was divided, or a document was refused for it.
    case storeInPieces
    /// A program outside reads the store from an old snapshot: room that was freed since cannot be used.
    case readerOld
    /// The daemon before this one ended by a trap or a fault; the line has what it said.
    case endedByBug
    /// A program that read the store from outside was killed; the room that it held is free again.
    case readerReleased
    /// Transfers are under way to a peer and nothing was acknowledged for longer than its link should take.
    case linkSilent
    /// Two sessions in a row with a peer ended with transfers unanswered, and not one was answered.
    case linkBarren
    /// A session was ended because its peer's sessions hold more memory than their share.
    case sessionMemoryExhausted
    /// No descriptor is free: connections are taken later.
    case descriptorsExhausted
    /// Revocation lists should have been replaced.
    case revocationListOverdue
    /// A peer, its records or a sender agency has used up its share of the store and gets no resources for a while.
    case shareUsedUp
    /// A document that was half-received was let go; whoever sends it begins anew.
    case incomingLetGo

    /// 128 bits in hexadecimal, as systemd.journal-fields(7) wants them.
    public var messageID: String {
        switch self {
        case .started: "bc9b3accb9cc4ca0b210c688442aa5e9"
        case .stopping: "42b8d5ae993c43039c601d85c379df75"
        case .stopped: "224ace23a0904dd0b5e71115c7815d05"
        case .configurationChanged: "e4eed09ac3b74f649c42711c7dfc8604"
        case .configurationRefused: "5439bd4f3d70489e9e6f0f9b40b240b4"
        case .configurationWarning: "fa46fd233d094a98aa6ccc463618ef41"
        case .linkUp: "3ba3d593c4cf494ab4222db800750085"
        case .linkDown: "b651da10a05a4598a14294fd2acd288c"
        case .peerUnreachable: "ceabf0fb997f474b973352f0537bcbd8"
        case .peerPaused: "8e031ec7a2184f73b2768ac9e04cea5f"
        case .contactFailed: "1169f1984d224c049116b092ab748cea"
        case .sessionsExhausted: "991c82568d8a441ebbe3cfdcaada7537"
        case .protocolViolated: "d32f5edb97a848b987deb3e95a7d03bb"
        case .bundleRefused: "ebb68a24e0384756a0c8bc95c17e65b4"
        case .contentDiffers: "6d313e17ebe24b7689ce08b090b03aba"
        case .reportsDisbelieved: "208f5f45a15e4469b25708e2767b5477"
        case .reportsContradict: "d0f2b7a54d8e4c0fb1a96c1b7e4f2a83"
        case .reportsUnroutable: "5accd8ba53404c3cb0d7bec7856beda3"
        case .refusedEverywhere: "fe0c8c745fb24c6692f148490ba27fcd"
        case .digestMismatch: "e154e4b7a5334abf9f0a16a2ef4ded87"
        case .payloadUnreadable: "ef4c753c09c948639fdd59b62ad3cead"
        case .headerUnmakeable: "d4ee246423ae43c5bc52501603742fce"
        case .recordCorrupt: "be37cb6d0df04e35b33332b3f7f7f0bb"
        case .suspectHeld: "b6d99a36d8be4ba3a8f7b7ea52565605"
        case .clockDoubted: "481e3f0001ce407f845e17538d2fbd5b"
        case .clockBelieved: "eafd9deba27e416cb8510fe197e096a1"
        case .clockDiffers: "dd4593b463fc49bc84a77d98cd5f4807"
        case .routesChanged: "c5f54a2918a6479dbf01374519c3d74f"
        case .storeFull: "ed353163a6e04c17afa3f497bcc440f5"
        case .storeFailed: "c7bd57b37bf24cdcbb834351d6cd36bb"
        case .callDenied: "d5c02817ae96406987eee88a7d95033c"
        case .submissionRefused: "d16e46655d994a4cab5cc1e3bf323e3e"
        case .deedDone: "151c0f7578884376ba25a4cb33b55d3d"
        case .operatorLogHead: "5abf9fd368bc42538164b53e1575e42b"
        case .spoolTroubled: "efe7f82d0198475d94284af0e943a509"
        case .spoolResumed: "4738081ab0b04705af043866f0ccc353"
        case .spoolSetAside: "1cbefe6e3b1d454ab234335475f49861"
        case .jobUnreadable: "5d38b8fe9728448b96367af2cc5d02ce"
        case .jobsWaiting: "f8fabb6abb96486c94c374cd6e09aefb"
        case .storeRestored: "6a47e7683654472fbead08035eadb4f0"
        case .restoredInPart: "257ce4566d174e2bafb46b09f5962c93"
        case .restoreReleased: "cb392c696da0449d840ceb304f82601f"
        case .resubmitted: "ff8911e8d15d495ba27c43ddc910a1ec"
        case .drained: "e8344491f35c4ad8a463784a09c7c7b5"
        case .logLevelReturned: "30c60abd72ae47ed92b5a8409b8eb1c8"
        case .clientDropped: "e21daa3cb21f47f2b051c82401e8e2f4"
        case .logLost: "137749dfaeb6403990c2900b7a395261"
        case .metricsTroubled: "940c040729354d99a98a7f0b1c9898cb"
        case .metricsResumed: "575562ef780342b7b1ac985e71ff4a36"
        case .numbersGivenTwice: "f1c481fb41eb8314096ea7ec91e25d80"
        case .copyReturned: "910c1632982b3e393e4eb423b57736b1"
        case .envelopeRenamed: "a3cdc4cf1a3301baefa22e495e084593"
        case .identityTwice: "90bc41fc0beefc8f98a040cec48d3250"
        case .documentEndedBadly: "6ba435df87784c4c930fc441d456762f"
        case .documentLate: "78d56ced73e4477cb3421ad97eb422e0"
        case .peerRefused: "97951e6281c14541b1f4fe3f1cdd2454"
        case .refusedDownstream: "514eb46efef54b9289bac6e629915640"
        case .storeReckoned: "2d552ff5baec4f82876d4c6ea60ab6a8"
        case .storeInPieces: "53d19a205b074f05a04538deb1706d7a"
        case .readerOld: "13bb6c8be1374a1089bd7e11ac6ed934"
        case .endedByBug: "625fc68a83eb47719f4ffc176d37b313"
        case .readerReleased: "4ea95a1ec7d34c5e92453c7f55d8d38d"
        case .linkSilent: "0d7bb34c0a014798964ae5f04c86d0f9"
        case .linkBarren: "d70012109c4c44808fd303568822f9fa"
        case .sessionMemoryExhausted: "5e1d3c0a7b7e4c0f9a53d2f1c8e6b447"
        case .descriptorsExhausted: "b0c7a4de2f5843d1a6e1907c35fb82d9"
        case .revocationListOverdue: "8f24e6b1d9c34f7aa0372be85d16c4f3"
        case .shareUsedUp: "7c4f5e0f6c0d4a1c9a52f6c1d0e8b3a7"
        case .incomingLetGo: "e2b1a9d43f7c4c6f8d05b7a6c9f41e28"
        }
    }
}
