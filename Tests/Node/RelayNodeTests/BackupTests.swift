// BackupTests: the path of a backup may lead to a disk that never answers: nobody but the backup waits for it.

import ControlAPI
import Logging
import NIOCore
import NIOPosix
import RelayCore
import RelayModel
import RelayStore
import TestNetwork
import Testing

@testable import RelayNode

@Suite struct BackupTests {
    @Test func aPathThatHangs() async throws {
        let folder = try TestFolder()
        let node = try #require(NodeID(name: "truc"))
        var settings = StoreSettings(node: node.text)
        settings.mapBytes = 32 << 20
        settings.growthBytes = 4 << 20
        settings.aheadBytes = 2 << 20
        settings.reserveBytes = 2 << 20
        settings.ballastBytes = 1 << 20
        let store = try LMDBStore(directory: folder.path, settings: settings)
        let gate = Gate()
        defer { gate.open() }
        let backup = Backup(
            store: store, node: node, now: { WallTime(milliseconds: 0) }, record: { _ in },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            loop: MultiThreadedEventLoopGroup.singleton.any(),
            isFolder: { _ in
                gate.pass()
                return true
            })
        let order = BackupOrder(path: folder.path, bytesPerSecond: nil, isWhole: false, reason: "")
        let deed = Deed(uid: 0, login: "root", verb: "backup", reason: "")
        let begun = try #require(await backup.begin(order, deed, patience: .milliseconds(10)))
        #expect(begun.isUnderWay && begun.path == folder.path)
        #expect(backup.answer.state == "measuring")
        #expect(await backup.begin(order, deed) == nil)
        #expect(backup.cancel())
        #expect(await backup.stop(within: .milliseconds(10)) == false)
        gate.open()
        #expect(try eventually { !backup.answer.isUnderWay })
        let answer = backup.answer
        #expect(answer.state == "failed" && answer.why?.contains("cancelled") == true, "\(answer)")
        #expect(answer.path.hasPrefix(folder.path + "/edocd-truc-"))
        #expect(!backup.cancel())
        #expect(await backup.stop(within: .seconds(60)))
    }
}
