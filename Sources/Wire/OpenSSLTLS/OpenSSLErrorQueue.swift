// OpenSSLErrorQueue: OpenSSL's per-thread error queue as values. The queue belongs to the thread, so it is cleared
// before and captured directly after a call, on the same thread, with no other OpenSSL call between.

internal import COpenSSL
import Glibc

/// What was in OpenSSL's error queue of this thread when it was captured.
package struct OpenSSLErrorQueue {
    /// The packed codes, oldest first.
    private(set) var codes: [UInt] = []
    /// The codes as text, each with the data that OpenSSL attached.
    package private(set) var texts: [String] = []

    /// More entries than OpenSSL's queue holds (ERR_NUM_ERRORS is 16).
    private static let entriesMax = 32

    /// Takes the whole queue of this thread, which is empty afterwards.
    package static func capture() -> OpenSSLErrorQueue {
        var queue = OpenSSLErrorQueue()
        while queue.codes.count < entriesMax {
            var data: UnsafePointer<CChar>?
            var flags: Int32 = 0
            let code = ERR_get_error_all(nil, nil, nil, &data, &flags)
            guard code != 0 else { break }
            queue.codes.append(UInt(code))
            var text = reasonText(code)
            // The data of a decoder entry may quote input; only what libssl says itself is kept.
            if flags & ERR_TXT_STRING != 0, ERR_GET_LIB(code) == ERR_LIB_SSL, let data, data.pointee != 0 {
                text += ": " + escaped(UnsafeRawBufferPointer(start: data, count: strlen(data)))
            }
            queue.texts.append(text)
        }
        ERR_clear_error()
        return queue
    }

    /// The reason numbers of libssl's entries, oldest first.
    var reasons: [Int32] {
        codes.filter { ERR_GET_LIB(CUnsignedLong($0)) == ERR_LIB_SSL }.map { ERR_GET_REASON(CUnsignedLong($0)) }
    }

    /// The alert that the peer sent, if that is what is in the queue. libssl reports alert n as reason 1000 + n.
    var receivedAlert: UInt8? {
        for reason in reasons where reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256 {
            return UInt8(reason - SSL_AD_REASON_OFFSET)
        }
        return nil
    }

    private static func reasonText(_ code: CUnsignedLong) -> String {
        if let text = ERR_reason_error_string(code) { return String(cString: text) }
        return "error " + String(code, radix: 16)
    }
}

/// Runs `body` with an empty error queue, so that what is captured afterwards is of this call only.
@inline(__always)
package func withEmptyErrorQueue<Result>(_ body: () -> Result) -> Result {
    ERR_clear_error()
    return body()
}
