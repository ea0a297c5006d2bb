// TypedPath: names of files as they were typed. Linux names are bytes; the arguments of a Swift program are text, in which bytes that are
// no UTF-8 have been replaced. What is read is opened by its bytes; a name that is to be made is refused.

import Glibc

enum TypedPath {
    /// The bytes of the argument that became this text, or the text's own.
    static func withBytes<Result>(_ text: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        if let argument = repaired(text) { return body(argument) }
        return text.withCString(body)
    }

    /// For what is written. The language of names is UTF-8 everywhere behind this program.
    static func checkWritable(_ text: String) throws(FileError) {
        guard repaired(text) == nil else {
            throw FileError("cannot write \(text): this name is not UTF-8; give one that is")
        }
    }

    /// The argument of which this text is the repair; nil where it is what was typed.
    private static func repaired(_ text: String) -> UnsafePointer<CChar>? {
        guard text.contains("\u{fffd}") else { return nil }
        for index in 1..<max(Int(CommandLine.argc), 1) {
            guard let argument = CommandLine.unsafeArgv[index] else { continue }
            let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
            if String(decoding: bytes, as: UTF8.self) == text, !bytes.elementsEqual(text.utf8) {
                return UnsafePointer(argument)
            }
        }
        return nil
    }
}
