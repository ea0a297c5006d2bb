// CountTests: what the benchmark makes of counts: the threshold of Scripts/counts, and the groups of a profile.

import Testing

@testable import edoc_bench

@Suite struct CountTests {
    private func file(_ text: String) throws -> CountFile { try CountFile(text) }
    private func line(_ number: Double) -> CountLine { CountLine(node: "A", what: "allocations", number: number) }

    @Test func aFewPercentMoreAreAFinding() throws {
        let known = try file("# words\n\(CountFile.build) A allocations 200\n")
        #expect(try known.judge([line(209)]).map(\.holds) == [true])
        #expect(try known.judge([line(211)]).map(\.holds) == [false])
        #expect(try known.judge([line(20)]).map(\.holds) == [true])
    }

    @Test func whatIsNotCountedAnyMoreIsAFinding() throws {
        let known = try file("\(CountFile.build) A allocations 200\n\(CountFile.build) hub syncs 1\n")
        #expect(throws: BenchFailure.self) { try known.judge([line(200)]) }
    }

    @Test func instructionsAreHeldWhereTheyWereCounted() throws {
        let known = try file("\(CountFile.build) A allocations 200\n\(CountFile.build) all instructions 1000\n")
        #expect(try known.judge([line(200)]).count == 1)
        let many = CountLine(node: "all", what: "instructions", number: 1_100)
        #expect(try known.judge([line(200), many]).map(\.holds) == [true, false])
    }

    @Test func aFileWithoutThisBuildHoldsNothing() {
        #expect(throws: BenchFailure.self) { try CountFile("other A allocations 200\n") }
        #expect(throws: BenchFailure.self) { try CountFile("\(CountFile.build) A allocations\n") }
    }

    /// The file of this checkout has every count that is made.
    @Test func everyCountIsHeld() throws {
        let counts = CountLines.names.map { CountLine(node: "C", what: $0, number: 0) }
        let path = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/Scripts/counts"
        let all = try CountFile(SmallFile.text(path))
        let others = ["A", "hub"].flatMap { node in
            CountLines.names.map { CountLine(node: node, what: $0, number: 0) }
        }
        #expect(try all.judge(counts + others).count == 3 * CountLines.names.count)
    }

    private func group(_ symbol: String, _ object: String = "/usr/bin/edocd") -> WorkGroup {
        SymbolGroups.group(of: [StackFrame(symbol: symbol, object: object)])
    }

    @Test func functionsHaveTheirKindOfWork() {
        #expect(group("$s9RelayCore0aB0V6handleyyAA5EventO_AA4TurnVztF") == .own)
        #expect(group("$s9RelayCore5OfferVWOc") == .structs)
        #expect(group("$s9RelayCore5OfferVWOr") == .references)
        #expect(group("$s11RelayEngine0B5InputOwcp") == .structs)
        #expect(group("$s9RelayRows9RowWriterV6numberyys6UInt64VF") == .rows)
        #expect(group("$s14BundleProtocol10CBORReaderV7require") == .bundles)
        #expect(group("swift_retain", "/usr/lib/libswiftCore.so") == .references)
        #expect(group("swift_beginAccess", "/usr/lib/libswiftCore.so") == .exclusivity)
        #expect(group("swift_allocObject", "/usr/lib/libswiftCore.so") == .allocations)
        #expect(group("$ss6HasherV9_finalizeSiyF", "/usr/lib/libswiftCore.so") == .hashing)
        #expect(group("__memmove_avx_unaligned_erms", "/usr/lib/libc.so.6") == .copies)
        #expect(group("_int_free", "/usr/lib/libc.so.6") == .allocations)
        #expect(group("mdb_page_search", "/usr/lib/liblmdb.so.0.0.0") == .lmdb)
        #expect(group("[unknown]", "/usr/lib/libcrypto.so.3") == .security)
    }

    @Test func samplesOfTheKernelGoByWhatItWasCalledFor() {
        let kernel = "[kernel.kallsyms]"
        func stack(_ names: String...) -> [StackFrame] {
            names.map { StackFrame(symbol: $0, object: kernel) } + [
                StackFrame(symbol: "write", object: "/lib/libc.so.6")
            ]
        }
        #expect(SymbolGroups.group(of: stack("iowrite16", "ext4_sync_file", "do_fsync")) == .kernelSync)
        #expect(SymbolGroups.group(of: stack("copy", "generic_perform_write", "vfs_write")) == .kernelPages)
        #expect(SymbolGroups.group(of: stack("lock", "tcp_sendmsg", "vfs_write")) == .kernelSockets)
        #expect(SymbolGroups.group(of: stack("finish_task_switch", "futex_wait")) == .kernelRest)
    }

    @Test func samplesAreReadAsPerfWritesThem() {
        let text = """
             17
                    ffffffff8100 finish_task_switch ([kernel.kallsyms])
                        7f30aa11 91 futex (/usr/lib/x86_64-linux-gnu/libc.so.6)

             17
                        7f30aa11 4709cd swift_retain (/usr/lib/libswiftCore.so)

             23
                        55aa9911 16db75 __memmove_avx512_unaligned_erms (/usr/lib/libc.so.6)

            """
        var reader = SampleReader()
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) { reader.read(line) }
        reader.finish()
        #expect(reader.samples == [17: [.kernelRest: 1, .references: 1], 23: [.copies: 1]])
        #expect(reader.functions[17]?["swift_retain"] == 1)
    }
}
