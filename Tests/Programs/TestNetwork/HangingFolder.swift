// HangingFolder: a folder that nobody can open for as long as the value lives: the call hangs, like one on a disk that is gone, until it
// is let go or its process is killed. It asks the kernel to ask before each opening (fanotify(7)) and never answers, which needs root.

import Foundation

public final class HangingFolder {
    private typealias Begin = @convention(c) (UInt32, UInt32) -> Int32
    private typealias Mark = @convention(c) (Int32, UInt32, UInt64, Int32, UnsafePointer<CChar>) -> Int32

    private static let contentClass: UInt32 = 0x4
    private static let closeOnExec: UInt32 = 0x1
    private static let add: UInt32 = 0x1
    private static let openPermission: UInt64 = 0x1_0000
    private static let onFolder: UInt64 = 0x4000_0000
    private static let onChild: UInt64 = 0x0800_0000

    private let descriptor: Int32

    /// `withFiles`: the files in it as well.
    public init(_ path: String, withFiles: Bool = false) throws {
        descriptor = Self.begin()
        guard descriptor >= 0, let mark: Mark = Self.call("fanotify_mark") else {
            throw TestFailure("fanotify is not there: errno \(errno)")
        }
        let mask = Self.openPermission | Self.onFolder | (withFiles ? Self.onChild : 0)
        guard mark(descriptor, Self.add, mask, AT_FDCWD, path) == 0 else {
            throw TestFailure("\(path) cannot be marked: errno \(errno)")
        }
    }

    /// What hangs goes on.
    deinit { close(descriptor) }

    /// Whether this user and kernel can do it.
    public static let isPossible: Bool = {
        let descriptor = begin()
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }()

    private static func begin() -> Int32 {
        guard let begin: Begin = call("fanotify_init") else { return -1 }
        return begin(contentClass | closeOnExec, UInt32(O_RDONLY))
    }

    private static func call<Function>(_ name: String) -> Function? {
        guard let symbol = dlsym(dlopen(nil, RTLD_NOW), name) else { return nil }
        return unsafeBitCast(symbol, to: Function.self)
    }
}
