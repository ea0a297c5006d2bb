// StoreFailure: why a store could not be opened or read. A value with a sentence for the operator.

import Glibc
import LMDB

public struct StoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// The store is sound, but not for this program: a newer schema, another node, or in use.
        case refused
        /// The system or the disk said no.
        case system
        /// The file is damaged, or is no store.
        case damaged
        /// A sound file, and not of this program.
        case foreign
    }

    public let kind: Kind
    public let sentence: String
    /// It may be over by itself: somebody else has the store at this moment.
    public var isPassing = false

    public init(_ kind: Kind, _ sentence: String) {
        self.kind = kind
        self.sentence = sentence
    }

    init(_ error: LMDBError, reading path: String) {
        let isOurs = error.fate == .invalid && error.code < 0
        self.init(isOurs ? .damaged : .system, "\(path) cannot be read as a store: \(error.sentence)")
    }

    init(_ error: LMDBError, opening directory: String) {
        let isOurs = error.fate == .invalid && error.code < 0
        self.init(isOurs ? .damaged : .system, "The store in \(directory) cannot be opened: \(error.sentence)")
    }

    init(call: StaticString, path: String, errno code: Int32) {
        self.init(.system, "\(call) of \(path) failed: \(String(cString: strerror(code))) (\(code)).")
    }

    public var description: String { sentence }
}
