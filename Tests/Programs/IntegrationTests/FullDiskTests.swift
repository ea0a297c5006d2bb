// FullDiskTests: a store without room, because its map is small or because its file system is: it refuses what is new, goes on
// draining, and takes again when there is room.

import ControlAPI
import Foundation
import RelayModel
import RelayNode
import TestNetwork
import Testing

@Suite(.serialized) struct FullDiskTests {
    private static let document = [UInt8](repeating: 0x2e, count: 1 << 20)

    /// What fills the store here is one peer and one sender: their shares are all of it.
    private static let noShares = "quotas: {peer_bytes: 100%, sender_bytes: 100%}\nstore:"

    /// Hands in documents for H29 until `count` are accepted or one is refused; how many were accepted, and the refusal.
    private func fill(_ network: Network, _ count: Int, from first: Int = 0) throws -> (accepted: Int, refusal: String?)
    {
        let client = try BulkClient(socket: network.folder["vpcp/submit.sock"])
        for index in 0..<count {
            let isSent = client.submit(
                token: UInt64(index), from: "G22", to: ["H29"], document: "fill \(first + index)",
                payload: Self.document)
            #expect(isSent)
            switch client.answer() {
            case .accepted: continue
            case .refused(_, let text): return (index, text)
            case nil: throw TestFailure("no answer:\n\(network.logTail("vpcp"))")
            }
        }
        return (count, nil)
    }

    /// The hub is full: vpcp keeps what the hub has no room for, and everything arrives once hcm is there.
    @Test func aHubWithASmallMap() throws {
        let network = try Network()
        try network.replace("truc", "  map_size: 1GiB", "  map_size: 80MiB\n  reserve_min: 16MiB")
        try network.replace("truc", "store:", Self.noShares)
        try network.start(["truc", "vpcp"])
        let documents = 90
        #expect(try fill(network, documents).refusal == nil)
        let isFull = try eventually { try network.ledger("truc").refusedTransfers["noResources"] ?? 0 > 0 }
        #expect(isFull, "\(network.logTail("truc"))")
        #expect(try eventually { try network.ledger("vpcp").peers.first { $0.node == "truc" }?.pauses ?? 0 > 0 })
        let held = try network.status("truc").inStore["waiting"] ?? 0
        #expect(held > 10 && held < UInt64(documents))
        // Refused for resources is not refused: nothing has failed, nothing has come back.
        #expect(try network.ledger("vpcp").documents?.ended["refused"] == 0)
        try network.expectBooksBalance(["vpcp", "truc"])

        try network.start("hcm")
        try expectDrained(network, documents)
    }

    /// The submitter's own store is full: the door is closed, with a word, until the hub comes.
    @Test func aSubmitterWithASmallMap() throws {
        let network = try Network()
        try network.replace("vpcp", "  map_size: 1GiB", "  map_size: 80MiB\n  reserve_min: 16MiB")
        try network.replace("vpcp", "store:", Self.noShares)
        try network.start(["truc", "hcm"])
        // Without the hub nothing leaves.
        network.stop("truc")
        try network.start("vpcp")
        try expectClosedAndOpened(network)
    }

    /// Only root can mount, and root of a container may not be allowed to.
    private static let canMount: Bool = {
        guard Places.isRoot, let folder = try? TestFolder(), mount("tmpfs", folder.path, "tmpfs", 0, "size=1m") == 0
        else { return false }
        return umount2(folder.path, Int32(MNT_DETACH)) == 0
    }()

    @Test(.enabled(if: canMount, "Mounting a small file system needs root."))
    func aSubmitterOnASmallFileSystem() throws {
        let network = try Network()
        try network.makeSmall("vpcp/store", mebibytes: 128)
        defer { network.unmount("vpcp/store") }
        try network.replace("vpcp", "  map_size: 1GiB", "  map_size: 1GiB\n  reserve_min: 16MiB")
        try network.start(["truc", "hcm"])
        network.stop("truc")
        try network.start("vpcp")
        try expectClosedAndOpened(network)
        #expect(network.stop("vpcp") == .exited(0))
    }

    private func expectClosedAndOpened(_ network: Network) throws {
        let (accepted, refusal) = try fill(network, 200)
        #expect(accepted > 10 && accepted < 200)
        #expect(refusal?.hasPrefix("noResources") == true, "\(refusal ?? "never full")")
        // Behind the commit there may be room for one more of the same size.
        try Data(Self.document + Self.document + Self.document).write(
            to: URL(fileURLWithPath: network.folder["large.bin"]))
        let again = try network.control(
            "vpcp", ["submit", network.folder["large.bin"], "--sender", "G22", "--to", "H29"])
        #expect(again.end == .exited(1) && again.errors.contains("noResources"), "\(again.errors)")
        #expect(try network.ledger("vpcp").refusedSubmissions["noResources"] ?? 0 >= 2)
        #expect(network.isRunning("vpcp"))
        try network.expectBooksBalance(["vpcp"])
        let limits: LimitsAnswer = try network.ask("vpcp", "limits")
        let room = limits.limits.first { $0.name == "largest document that there is room for" }
        #expect(room?.binds == true, "\(limits.limits)")
        let attention = try network.status("vpcp").attention
        #expect(
            attention.contains { $0.contains("want of room") || $0.contains("full up to its reserve") }, "\(attention)")

        try network.start("truc")
        try expectDrained(network, accepted)
        // There is room again.
        #expect(try fill(network, 5, from: 1_000).accepted == 5)
        try expectDrained(network, accepted + 5)
    }

    private func expectDrained(_ network: Network, _ documents: Int) throws {
        let haveArrived = try eventually(within: 90) { try network.inbox("hcm", "H29").count == documents }
        #expect(haveArrived, "\(network.logTail("vpcp"))\n\(network.logTail("truc"))")
        let inbox = try network.inbox("hcm", "H29")
        #expect(Set(inbox.map(\.documentID)).count == documents)
        #expect(inbox.allSatisfy { $0.bytes == UInt64(Self.document.count) })
        #expect(
            try eventually {
                try ["vpcp", "truc"].allSatisfy { try network.status($0).inStore["waiting"] == 0 }
            })
        for name in ["vpcp", "truc"] {
            let status = try network.status(name)
            #expect(status.store.acceptableBytes > 0, "\(name)")
        }
        try network.expectBooksBalance(["vpcp", "truc", "hcm"])
    }
}

extension Network {
    /// Puts a small file system into a folder.
    func makeSmall(_ name: String, mebibytes: Int) throws {
        try folder.makeFolder(name)
        let code = mount("tmpfs", folder[name], "tmpfs", 0, "size=\(mebibytes)m,mode=0700")
        if code != 0 { throw TestFailure("no small file system: \(String(cString: strerror(errno)))") }
    }

    func unmount(_ name: String) {
        kill("vpcp")
        umount2(folder[name], Int32(MNT_DETACH))
    }
}
