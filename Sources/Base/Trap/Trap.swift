// Trap: how the program ends over a contradiction in itself, in every build. The library's `precondition` says nothing in an optimised
// build, so that a daemon died without a word. This says its sentence on the standard error, which is the journal of a service, notes it
// in the page that outlives the process (CLinux, clinux_hand), and traps. It owns nothing, may be called on any thread, and never
// returns; a standard error that takes nothing is not waited for.

import CLinux

/// Traps unless `holds`: for what only a bug in this program can make false.
@inlinable
@inline(__always)
public func demand(
    _ holds: @autoclosure () -> Bool, _ sentence: @autoclosure () -> String, file: StaticString = #fileID,
    line: UInt = #line
) {
    if _fastPath(holds()) { return }
    trap(sentence(), file: file, line: line)
}

/// Ends the process with a sentence.
@inline(never)
public func trap(_ sentence: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line) -> Never {
    let text = "bug, the program ends: \(sentence()) (\(file):\(line))"
    let bytes = Array(text.utf8)
    bytes.withUnsafeBytes { clinux_trap($0.baseAddress, $0.count) }
}
