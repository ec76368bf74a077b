// What npm's twitter-text says: `node twitter_text.cjs count < texts.json` gives the weighted length of each, and
// `node twitter_text.cjs domains` the top-level domains that it knows, one a line.
const text = require("twitter-text");

if (process.argv[2] === "domains") {
  const { validGTLD, validCCTLD } = require("twitter-text/dist/regexp").default || require("twitter-text/dist/regexp");
  const names = (regexp) => regexp.source.match(/^\(\?:\(\?:(.*)\)\(\?=/)[1].split("|");
  console.log([...new Set([...names(validGTLD), ...names(validCCTLD)])].sort().join("\n"));
} else {
  const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
  console.log(JSON.stringify(texts.map((one) => text.parseTweet(one).weightedLength)));
}
