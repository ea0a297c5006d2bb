// StoreLook: what a configuration that is only checked would do to the documents in the store. Where there is no store, where a daemon has it
// (a reload looks then), or where this user may not read it, nothing is said. Reads only.

import RelayConfiguration
import RelayCore
import RelayStore

public enum StoreLook {
    public static func warnings(_ configuration: Configuration) -> [String] {
        guard let store = try? StillStore(directory: configuration.settings.store.directory),
            let hidden = try? store.read({ HiddenInbox.found(in: configuration.directory, $0) })
        else { return [] }
        return hidden.map(\.standing)
    }
}
