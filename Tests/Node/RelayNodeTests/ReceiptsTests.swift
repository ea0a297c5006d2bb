// ReceiptsTests: where receipts go on after the store has come back from a copy.

import ControlAPI
import Foundation
import RelayModel
import RelayRows
import RelayStore
import TestNetwork
import Testing

@testable import RelayConfiguration
@testable import RelayNode

@Suite struct ReceiptsTests {
    private func store(_ folder: TestFolder) throws -> LMDBStore {
        var settings = StoreSettings(node: "dtn://vpcp/")
        settings.mapBytes = 32 << 20
        settings.growthBytes = 4 << 20
        settings.aheadBytes = 2 << 20
        settings.reserveBytes = 2 << 20
        settings.ballastBytes = 1 << 20
        return try LMDBStore(directory: folder["store"], settings: settings)
    }

    /// The folder had come to the fifth change when the copy was made at the third. What has been counted since the restore begins with the
    /// fourth, and is not what the folder has had, also where it came before the first look.
    @Test func whatComesBeforeTheFirstLookIsNotLost() throws {
        let folder = try TestFolder()
        for name in ["store", "receipts"] { try folder.makeFolder(name) }
        let store = try store(folder)
        let node = try #require(NodeID(name: "vpcp"))
        _ = store.batch { rows in
            for order in UInt64(1)...6 {
                let about = OutcomeSubject(
                    bundle: BundleID(source: node.endpoint, creationTime: 1_000, sequence: order),
                    recipient: AgencyCode("H29")!, number: order, urgency: .normal, sender: "G22", documentID: "1/VB")
                let change = OutcomeChangeRow(
                    about, state: .arrived, reason: .none, reporter: node, time: WallTime(milliseconds: 2_000),
                    changed: RelayTime(milliseconds: 1))
                rows.put(.outcomeChange, Keys.outcomeChange(order), change.encoded())
            }
        }
        try folder.write("7 5\n", to: "receipts/.cursor")
        let receipts = Receipts(store: store, head: { .init(epoch: 8, order: 6, start: 3) }, settings: { [] })
        let spool = SpoolConfiguration(
            agency: AgencyCode("G22")!, directory: folder["spool"], mode: 0o640, group: nil, reserve: 0, atOnce: 1,
            answerWithin: .seconds(1))
        #expect(receipts.round(spool, folder["receipts"]) == nil)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder["receipts"])
        #expect(files.filter { !$0.hasPrefix(".") }.sorted() == (4...6).map { Receipts.name(8, $0) })
        #expect(folder.text("receipts/.cursor") == "8 6\n")
    }
}
