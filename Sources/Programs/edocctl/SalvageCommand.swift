// SalvageCommand: `edocctl salvage DIR FILE` brings what can be read of a damaged store into a file that `restore` takes. The daemon does
// not run; the damaged store is not changed. What is left of an envelope is only its name comes back as *corrupt*, by name.

import ArgumentParser
import Glibc
import Language
import RelayStore

struct SalvageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage",
        abstract: phrase(
            "Bring what can be read of a damaged store into a file for restore.",
            "Đưa những gì còn đọc được của kho hỏng vào một tệp để khôi phục."),
        discussion: phrase(
            "The daemon does not run, and the damaged store is not changed. Bring the file back with edocctl restore FILE --store DIR "
                + "--force: what waited is held until you have compared and released it, and what is left as a name only is listed.",
            "Dịch vụ edocd không chạy, và kho hỏng không bị thay đổi. Đưa tệp về bằng edocctl restore TỆP --store THƯ_MỤC --force: những gì "
                + "đang chờ bị giữ đến khi đối chiếu và thả ra, và những gì chỉ còn tên được liệt kê."))

    @Argument(
        help: .init(
            phrase(
                "The damaged store: store.directory in edocd.yaml.", "Kho hỏng: store.directory trong edocd.yaml.")))
    var store: String
    @Argument(help: .init(phrase("The file to be made.", "Tệp sẽ được tạo."))) var file: String
    @Option(
        help: .init(
            phrase(
                "Whose store it is, as dtn://NAME/, where the store does not say it any more.",
                "Kho của nút nào, dạng dtn://TÊN/, khi kho không còn ghi điều đó.")))
    var node: String?

    func run() async throws {
        let result: SalvageResult
        do {
            result = try StoreSalvage.run(
                directory: BackupCommand.absolute(store), to: BackupCommand.absolute(file), node: node)
        } catch {
            throw FileError(error.sentence)
        }
        var facts = FactList()
        facts.add(phrase("salvaged", "đã cứu"), BackupCommand.absolute(file))
        facts.add(phrase("node", "nút"), result.node)
        facts.add(
            phrase("brought", "đưa được"),
            Shown.counted(result.envelopes, "envelope", "envelopes", "gói tin") + ", "
                + Shown.counted(result.rows, "row", "rows", "hàng"))
        if result.namesOnly > 0 {
            facts.add(
                phrase("by name only", "chỉ còn tên"),
                Shown.counted(result.namesOnly, "envelope", "envelopes", "gói tin"))
        }
        facts.add(
            phrase("left behind", "bỏ lại"),
            phrase(
                "\(result.badRows) rows that do not check, \(result.badPages) pages that are not what they should be",
                "\(result.badRows) hàng không khớp, \(result.badPages) trang không đúng"))
        facts.add(
            phrase("next", "tiếp theo"),
            phrase(
                "edocctl restore \(file) --store \(store) --force, then start the daemon",
                "edocctl restore \(file) --store \(store) --force, rồi khởi động dịch vụ edocd"))
        Output.say(facts.text(columns: Terminal.columns))
    }
}
