// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import MartletProtocol

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish a message to a channel through a node.")

    @OptionGroup var api: APIOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The channel.")
    var channel: String

    @Argument(
        help: """
            The message: JSON, or text that becomes a JSON string; in a channel of bytes as it is. - reads standard input.
            """)
    var data: String

    private struct Answer: Encodable {
        let channel: String
    }

    func run() async throws {
        try await self.output.reporting {
            let text = self.data == "-" ? FileHandle.standardInput.readDataToEndOfFile() : Data(self.data.utf8)
            var body = JSONWriter(capacity: text.count * 2 + 64)
            body.beginObject()
            body.member("channel", self.channel)
            // The bytes as they are: only the node knows whether the channel is one of JSON, or takes any.
            body.member(text.isEmpty ? "data" : "b64data", raw: Base64.quoted(Array(text)))
            body.endObject()
            _ = try await self.api.call("publish", body.bytes)
            try self.output.print("Published to \(self.channel).", Answer(channel: self.channel))
        }
    }
}
