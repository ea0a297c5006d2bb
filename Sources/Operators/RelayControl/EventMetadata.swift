// EventMetadata: the kind of an event among the fields of a log entry, where the journal's handler finds it.

import Logging
import RelayModel

extension Logger.Metadata {
    /// The fields of an entry about an event of a kind.
    public static func event(_ kind: EventKind, _ fields: Logger.Metadata = [:]) -> Logger.Metadata {
        var fields = fields
        fields["event"] = "\(kind.rawValue)"
        return fields
    }
}
