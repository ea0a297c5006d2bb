// The complete edocd.yaml as text: every key with its default and one sentence. What `edocctl` prints is what the
// project ships as Config/edocd.yaml; a test holds them equal.

/// Prints the key table.
public enum ConfigurationDefaults {
    /// A name for the node in the printed file, since it has no default.
    static let nodeName = "node-name"

    /// The whole file.
    public static func text() -> String {
        var lines = [
            "# edocd.yaml: every key with its default. A key that is left out has the value shown here; only node.name",
            "# must be given. Relative paths begin at the folder of this file. Durations: ms, s, m, h, d. Sizes: B,",
            "# KiB, MiB, GiB, TiB. Unknown keys are errors.",
        ]
        for (name, tree) in ConfigurationKeyTree.edocd.children { append(name, tree, indent: 0, off: false, &lines) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func append(
        _ name: String, _ tree: ConfigurationKeyTree, indent: Int, off: Bool, _ lines: inout [String]
    ) {
        guard let key = tree.key else { return }
        // A commented example keeps its shape: `#` takes the first column, the rest is as it would stand.
        let margin = (off ? "#" : "") + String(repeating: " ", count: indent)
        if indent == 0 { lines.append("") }
        switch key.kind {
        case .section:
            lines.append(margin + "# " + key.help)
            lines.append(margin + name + ":")
            for (name, child) in tree.children { append(name, child, indent: indent + 2, off: off, &lines) }
        case .named, .items:
            lines.append(margin + "# " + key.help)
            lines.append(margin + name + ": " + (key.standard ?? ""))
            appendExample(tree, isNamed: key.standard == "{}", indent: indent, &lines)
        default:
            lines.append(contentsOf: comment(key, margin))
            lines.append(margin + name + ": " + (key.standard ?? nodeName))
        }
    }

    private static func appendExample(
        _ tree: ConfigurationKeyTree, isNamed: Bool, indent: Int, _ lines: inout [String]
    ) {
        guard let member = tree.children.first?.tree else { return }
        let margin = "#" + String(repeating: " ", count: indent + 2)
        if isNamed {
            lines.append(margin + "name:")
        } else {
            lines.append(margin + "-")
        }
        for (name, child) in member.children { append(name, child, indent: indent + 4, off: true, &lines) }
    }

    /// The sentence and what is expected, in one line when they fit.
    private static func comment(_ key: ConfigurationKey, _ margin: String) -> [String] {
        let expectation = "(" + key.kind.expectation + ")"
        let line = margin + "# " + key.help + " " + expectation
        return line.count <= 120 ? [line] : [margin + "# " + key.help, margin + "# " + expectation]
    }
}
