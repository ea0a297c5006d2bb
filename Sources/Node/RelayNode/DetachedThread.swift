// DetachedThread: a thread for one errand that may wait for a disk for ever. Nobody joins it, so nobody waits with it; who wants to know of
// its end is told by the errand itself.

import CLinux
import Glibc

enum DetachedThread {
    private final class Errand: Sendable {
        let name: StaticString
        let body: @Sendable () -> Void
        init(_ name: StaticString, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Nil when it runs; otherwise why no thread could be made, and `body` is never called.
    static func start(_ name: StaticString, _ body: @escaping @Sendable () -> Void) -> String? {
        let errand = Unmanaged.passRetained(Errand(name, body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, &attributes,
            { context in
                let errand = Unmanaged<Errand>.fromOpaque(context!).takeRetainedValue()
                clinux_name_thread(UnsafeRawPointer(errand.name.utf8Start).assumingMemoryBound(to: CChar.self))
                errand.body()
                return nil
            }, errand.toOpaque())
        guard code != 0 else { return nil }
        errand.release()
        return "no thread can be made: \(String(cString: strerror(code)))"
    }
}
