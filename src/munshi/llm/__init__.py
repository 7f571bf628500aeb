"""Language models behind OpenAI-compatible URLs: vLLM, OpenAI, Groq, OpenRouter."""
