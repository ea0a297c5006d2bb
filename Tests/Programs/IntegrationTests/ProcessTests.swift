// ProcessTests: what may go wrong around a real daemon: a log that nobody reads, a clock that is stepped or ahead at boot, an
// early signal, an output that takes nothing.

import ControlAPI
import Foundation
import RelayModel
import TestNetwork
import Testing

@Suite(.serialized) struct ProcessTests {
    /// Standard error is a pipe that is full and that nobody reads: the engine decides all the same, and the daemon stops in order.
    @Test func aLogPipeThatNobodyReads() throws {
        let network = try Network(plain: true)
        let path = network.log("vpcp")
        try #require(mkfifo(path, 0o600) == 0)
        let pipe = open(path, O_RDWR | O_NONBLOCK)
        defer { close(pipe) }
        let filler = [UInt8](repeating: 0x0a, count: 4_096)
        while write(pipe, filler, filler.count) > 0 {}
        let output = network.folder["vpcp.out"]
        let program = try Program(
            Places.edocd, ["--create-store", "--config", network.folder["vpcp.yaml"]], output: output, errors: path)
        #expect(try eventually { try network.control("vpcp", ["status"]).end == .exited(0) })
        try network.folder.write("noi dung", to: "a.txt")
        for number in 0..<5 {
            let options = ["--sender", "G22", "--to", "H29", "--document", "\(number)"]
            _ = try network.submit("vpcp", network.folder["a.txt"], options)
            // Each of them is a line.
            #expect(try network.control("vpcp", ["log-level", "debug"]).end == .exited(0))
        }
        #expect(try network.status("vpcp").node == "vpcp")
        #expect(program.stop() == .exited(0))
    }

    /// The wall shows an hour more than the kernel waits by, as after a step backward: the engine's timers go on.
    @Test func aStepOfTheWallClockStopsNoTimer() throws {
        let network = try Network(plain: true)
        let library = try network.interposer("clock")
        try network.start("truc")
        network.kill("truc")
        network.setEnvironment("vpcp", ["LD_PRELOAD": library, "EDOC_CLOCK_OFFSET": "3600"])
        try network.start("vpcp")
        #expect(try eventually { network.logText("vpcp").contains("Connection refused") }, "\(network.logTail("vpcp"))")
        // From here nobody asks vpcp anything: what brings it to dial again is its own timer.
        try network.start("truc")
        #expect(
            try eventually(within: 30) {
                let answer: PeersAnswer = try network.ask("truc", "peers")
                return answer.peers.contains { $0.node == "vpcp" && $0.state == "up" }
            }, "\(network.logTail("vpcp"))")
    }

    /// A machine boots with its clock years ahead: the node waits instead of giving up for good, and starts when the clock is mended.
    @Test func aClockAheadAtBootIsWaitedOut() throws {
        let network = try Network()
        let library = try network.interposer("clock")
        try network.folder.write("\(10 * 366 * 86_400)", to: "offset")
        network.setEnvironment(
            "truc", ["LD_PRELOAD": library, "EDOC_CLOCK_FILE": network.folder["offset"]])
        try network.launch("truc")
        #expect(
            try eventually { network.logText("truc").contains("this node starts when its certificate is valid") },
            "\(network.logTail("truc"))")
        #expect(network.logText("truc").contains("has expired") && network.isRunning("truc"))
        let checked = try network.run(
            Places.edocd, ["--check-config", "--config", network.folder["truc.yaml"]],
            environment: ["LD_PRELOAD": library, "EDOC_CLOCK_FILE": network.folder["offset"]])
        #expect(checked.end == .exited(78), "who only looks is told at once")
        try network.folder.write("0", to: "offset")
        #expect(
            try eventually { try network.control("truc", ["status"]).end == .exited(0) }, "\(network.logTail("truc"))")
        // Something else that is wrong does not pass.
        network.stop("truc")
        try network.folder.write("\(10 * 366 * 86_400)", to: "offset")
        try network.replace("truc", "tls:\n", "tls:\n  crl: nowhere.pem\n")
        try network.launch("truc")
        #expect(try network.end(of: "truc") == .exited(78))
    }

    /// SIGHUP while the daemon reads its files does not end it, and is not forgotten: the files may have changed since they were read.
    @Test func anEarlyHangupIsAReload() throws {
        let network = try Network(plain: true)
        let text = network.folder.text("agencies.yaml")
        unlink(network.folder["agencies.yaml"])
        try #require(mkfifo(network.folder["agencies.yaml"], 0o600) == 0)
        try network.launch("vpcp")
        let pid = try #require(network.pid("vpcp"))
        // It waits for its file: opening it for writing succeeds once it has opened it for reading.
        var pipe: Int32 = -1
        #expect(
            try eventually {
                pipe = open(network.folder["agencies.yaml"], O_WRONLY | O_NONBLOCK)
                return pipe >= 0
            })
        kill(pid, SIGHUP)
        unlink(network.folder["agencies.yaml"])
        try network.folder.write(text, to: "agencies.yaml")
        let bytes = Array(text.utf8)
        #expect(write(pipe, bytes, bytes.count) == bytes.count)
        close(pipe)
        #expect(try eventually { network.logText("vpcp").contains("notice: reloaded") }, "\(network.logTail("vpcp"))")
        #expect(network.isRunning("vpcp"))
    }

    /// Whoever reads the exit code must not take what was never said for done.
    @Test func anOutputThatTakesNothing() throws {
        let network = try Network(plain: true)
        try network.start("vpcp")
        func end(_ arguments: [String]) throws -> ProgramEnd {
            try Program(
                Places.edocctl, arguments + ["--socket", network.folder["vpcp/control.sock"]], output: "/dev/full",
                errors: network.folder["errors"]
            ).wait()
        }
        for arguments in [["status"], ["status", "--json"], ["limits"], ["peers"]] {
            #expect(try end(arguments) == .exited(74), "\(arguments)")
        }
        #expect(network.folder.text("errors").contains("the answer could not be written: No space left on device"))
        #expect(try end(["check"]) == .exited(3))
        for arguments in [
            ["--check-config", "--config", network.folder["vpcp.yaml"]], ["--help"], ["--print-defaults"],
        ] {
            let program = try Program(
                Places.edocd, arguments, output: "/dev/full", errors: network.folder["errors"])
            #expect(program.wait() == .exited(74), "\(arguments)")
        }
    }
}
