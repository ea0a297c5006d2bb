// Conversation, a sign of life: a neighbour is made to answer by a record that every node of this protocol takes, and that means nothing:
// a status report (RFC 9171, 6.1.1) about no bundle. Whatever comes on the session answers; what is under way to the peer already makes
// it answer, too.

import BundleProtocol
import NIOCore
import RelayCore
import RelayModel
import TCPCL

extension Conversation {
    mutating func probe(now: RelayTime, _ output: inout ConversationOutput) {
        guard case .established(let peer) = phase, machine.isOpen else { return }
        isProbed = true
        guard outgoing == nil, machine.canBeginTransfer, let octets = probeOctets(peer) else { return }
        do throws(TransferBeginError) {
            let id = try machine.beginTransfer(totalLength: UInt64(octets.readableBytes))
            let before = machine.unacknowledgedBytes
            // The link's meter counts from here: a link that was idle owed nothing until now.
            if inFlight == 0 { silentSince = now }
            machine.sendBytes(id, octets, isEnd: true, now: now.milliseconds, &output.effects)
            noteSent(before: before, now: now)
        } catch {
            return
        }
        settle(now, &output)
    }

    private func probeOctets(_ peer: NodeID) -> ByteBuffer? {
        let source = settings.session.nodeID.endpoint
        var payload = ByteBuffer()
        StatusReport(
            delivered: .notAsserted, deleted: .notAsserted, reason: .none,
            bundle: BundleID(source: source, creationTime: 0, sequence: 0)
        ).encode(into: &payload)
        do throws(BundleError) {
            let primary = PrimaryBlock(
                flags: .isAdministrativeRecord, destination: peer.endpoint, source: source, reportTo: .none,
                creationTime: 0, sequence: 0, lifetime: .minutes(1))
            let header = try BundleHeader(
                primary: primary, blocks: [.bundleAge(.zero, number: 2)],
                payload: PayloadHead(crcType: .none, length: UInt64(payload.readableBytes)))
            var octets = ByteBuffer()
            header.encode(into: &octets)
            octets.writeBuffer(&payload)
            BundleTrailer.encode(into: &octets, after: header.payload, checksum: PayloadChecksum(header.payload))
            return octets
        } catch {
            return nil
        }
    }
}
