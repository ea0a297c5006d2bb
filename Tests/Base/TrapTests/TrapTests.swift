// TrapTests: a process that ends over a contradiction in itself says which one.

import Glibc
import Testing
import Trap

@Suite struct TrapTests {
    @Test func theSentenceIsSaid() async throws {
        let result = await #expect(processExitsWith: .signal(SIGILL), observing: [\.standardErrorContent]) {
            let count = 3
            demand(count == 3, "nothing is said of what holds")
            demand(count == 4, "the books say \(count), and there are four")
        }
        let said = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(
            said.contains("bug, the program ends: the books say 3, and there are four (TrapTests/TrapTests.swift:")
        )
        #expect(!said.contains("nothing is said"))
    }

    @Test func whatCannotBeIsSaid() async throws {
        let result = await #expect(processExitsWith: .signal(SIGILL), observing: [\.standardErrorContent]) {
            trap("this cannot be")
        }
        let said = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(said.contains("this cannot be"))
    }
}
