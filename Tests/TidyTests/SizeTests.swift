// This source file is part of the Martlet project.
// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("Sizes")
struct SizeTests {
    @Test("No file of the sources is longer than 500 lines")
    func files() {
        #expect(!Repository.sources.isEmpty)
        for file in Repository.sources {
            #expect(file.lines.count <= 501, "\(file) has \(file.lines.count - 1) lines")
        }
    }

    @Test("No function of the sources is longer than 70 lines")
    func functions() {
        for file in Repository.sources {
            for function in file.functions where function.length > 70 {
                Issue.record("\(file):\(function.line): this function has \(function.length) lines")
            }
        }
    }

    @Test("The length of a function is read off its indentation")
    func reading() {
        let text = """
            protocol P {
                func required()
            }
            struct S {
                func short() {}
                package static func long(
                    first: Int
                ) -> Int {
                    if first > 0 {
                        return 1
                    }
                    return first
                }
            }
            """
        let functions = SourceFile(path: "x.swift", text: text).functions
        #expect(functions.map(\.line) == [5, 6])
        #expect(functions.map(\.length) == [1, 8])
    }

    @Test("The README fits on a page or two")
    func readme() throws {
        #expect(try Repository.text("README.md").split(separator: "\n", omittingEmptySubsequences: false).count <= 81)
    }
}
