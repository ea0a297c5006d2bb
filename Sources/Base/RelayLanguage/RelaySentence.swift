// RelaySentence: a sentence of the relay (its daemon, its library of files and stores) in the language of this process. The sentences
// are English where they are made, on the wire and in the log; here they are known by template. Pure.

import Language

public enum RelaySentence {
    private static let catalogue = Catalogue(CatalogueEntries.all)

    /// A sentence that is not known (of a newer daemon, of a peer) stays as it came.
    public static func inLanguage(_ text: String) -> String { catalogue(text) }
}
