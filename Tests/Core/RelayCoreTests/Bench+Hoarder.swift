// Bench, the hoarder: what a neighbour or a caller does who wants more than its share: pieces of what never becomes whole, headers
// full of what nobody reads, records without end, submissions that dribble.

import NIOCore
import RelayCore
import RelayEngine
import RelayModel
import RelayRows

extension Bench {
    /// Everything that a test may want to be different from a foreign bundle of three octets.
    struct Foreign {
        var source = EndpointID.ipn(node: 9, service: 1)
        var destination = EndpointID.dtn("binh/app")
        var sequence: UInt64
        var piece: PieceRange?
        var octets = 3
        /// Of them, those that come.
        var sent: Int?
        var lifetime = Milliseconds.days(1)
        var header = 1
        /// When its maker says that it was made; now when absent.
        var created: UInt64?
        var isRecord = false
        var isCompleted = true
    }

    /// A bundle without a document block, from a peer.
    @discardableResult
    func offerForeign(_ from: String, _ bundle: Foreign) -> [Effect] {
        let ticket = ticket()
        let offer = Offer(
            ticket: ticket, session: sessions[node(from)]!,
            bundle: BundleID(source: bundle.source, creationTime: bundle.created ?? wall, sequence: bundle.sequence),
            destination: bundle.destination, reportTo: bundle.source, piece: bundle.piece,
            payloadLength: UInt64(bundle.octets), lifetime: bundle.lifetime, age: .zero, hopLimit: 32, hopCount: 1,
            isAdministrative: bundle.isRecord, wantsStatusReports: false, document: nil, copy: nil,
            header: [UInt8](repeating: 1, count: bundle.header))
        var inputs: [EngineInput] = [
            .offered(offer), .offerBytes(ticket, ByteBuffer(repeating: 7, count: bundle.sent ?? bundle.octets)),
        ]
        if bundle.isCompleted { inputs.append(.offerCompleted(ticket, digest: nil)) }
        return run(inputs) ?? []
    }

    /// A submission whose octets come when the test says so.
    func begin(_ recipients: [String], sender: String = "T1", length: UInt64) -> (ticket: Ticket, effects: [Effect]) {
        let ticket = ticket()
        let effects = run([
            .submitted(
                Submission(
                    ticket: ticket, sender: agency(sender), recipients: recipients, urgency: .normal,
                    documentID: "7/VB", payloadLength: length, lifetime: nil))
        ])
        return (ticket, effects ?? [])
    }

    @discardableResult
    func dribble(_ ticket: Ticket, _ count: Int) -> [Effect] {
        run([.submissionBytes(ticket, ByteBuffer(repeating: 9, count: count))]) ?? []
    }

    func complete(_ ticket: Ticket) -> [Effect] {
        run([.submissionCompleted(ticket, digest: Digest(words: (2, 0, 0, 0)))]) ?? []
    }

    /// The store has room for so many octets more.
    func limitRoom(_ octets: UInt64) { store.capacityBytes = store.headRoom.usedBytes + octets }

    func stock(_ stock: Stock) -> (count: UInt64, bytes: UInt64) {
        (counter(.stockCount(stock)), counter(.stockBytes(stock)))
    }
}
